// A reader and writer of skillcache's stored form in another language: entries, session hashes and messages.
//
//   node entry.mjs URL COMMAND < JSON    the arguments as one JSON object; prints one JSON value
//
//   key     {skill, inputs, version?, team?}              the key of an entry
//   get     {skill, inputs, version?, team?}              {found, value}
//   set     {skill, inputs, version?, team?, value, ttl}  whether it was stored: not after an invalidation meanwhile
//   load    {session}                                     the fields of a session
//   save    {session, state, ttl}
//   send    {agent, message}                              the number of listeners
//   inbox   {agent}                                       the messages kept, oldest first
//   listen  {agent}                                       prints "listening", then the first message heard
//
// The grammar of an entry is written in skillcache/stores/entry.py, the layout of keys in skillcache/stores/redis_keys.py.
// ioredis is found in the folder that IOREDIS names.

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { hostname, userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { deflateSync, inflateSync } from 'node:zlib';

const Redis = createRequire(import.meta.url)(process.env.IOREDIS);
const PLAIN = 4096; // bytes up to which an output is stored as it is

// RFC 8785: JavaScript's own numbers and strings, names in the order of their UTF-16 code units, no space.
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const generationKey = (name) => `skill_cache_gen:${name}`;

// key: of the entry; text: what it depends on, in full; names: those it is invalidated by.
function place({ skill, inputs, version, team }) {
  const text = canonical(inputs);
  const behind = version === undefined ? '' : `:v${version}`;
  const key = `${team ? `team:cache:${team}` : 'skill_cache'}:${skill}:${sha256(text).slice(0, 40)}${behind}`;
  return { key, text, names: team ? [skill, `@team:${team}`] : [skill] };
}

const ascii = (value) =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function encode(text, names, value, ttl, started) {
  const output = Buffer.from(JSON.stringify(value));
  const plain = output.length <= PLAIN;
  const body = plain ? output : deflateSync(output);
  const finished = Date.now();
  const details = deflateSync(ascii({ expires: finished + ttl * 1000 }));
  const header = {
    key: text, names, status: 0, meaning: '', failed: false, directory: null, relocated: false, root: '', project: '',
    duration: finished - started, finished, writer: { user: userInfo().username, host: hostname() }, signature: '',
    form: 'json', files: [], pinned: false, size: output.length, sha256: sha256(output),
    coding: plain ? 'plain' : 'zlib', body: body.length, details: details.length, attached: 0,
  };
  const head = `${String(started).padStart(16, '0')} skillcache 1\n${ascii(header)}\n`;
  return Buffer.concat([Buffer.from(head), body, details]);
}

// The header and the output's bytes, or null for what is no entry of this version.
function decode(data) {
  const first = data.indexOf(10);
  const second = data.indexOf(10, first + 1);
  if (first < 0 || second < 0 || !/^\d{16} skillcache 1$/.test(data.subarray(0, first).toString())) return null;
  const header = JSON.parse(data.subarray(first + 1, second).toString());
  const body = data.subarray(second + 1, second + 1 + header.body);
  const output = header.coding === 'plain' ? body : inflateSync(body);
  return output.length === header.size && sha256(output) === header.sha256 ? { header, output } : null;
}

const generations = async (redis, names) => (await redis.mget(names.map(generationKey))).map((text) => Number(text ?? 0));

const commands = {
  key: (redis, call) => place(call).key,

  async get(redis, call) {
    const { key, text, names } = place(call);
    const [data, ...raised] = await redis.mgetBuffer(key, ...names.map(generationKey));
    const entry = data && decode(data);
    const isCurrent = (name, index) => entry.header.names[name] === Number(raised[index] ?? 0);
    if (!entry || entry.header.form !== 'json' || entry.header.key !== text) return { found: false };
    if (Object.keys(entry.header.names).length !== names.length || !names.every(isCurrent)) return { found: false };
    return { found: true, value: JSON.parse(entry.output.toString()) };
  },

  async set(redis, call) {
    const { key, text, names } = place(call);
    await redis.watch(names.map(generationKey)); // an invalidation from here on keeps the value out
    const raised = await generations(redis, names);
    const bound = Object.fromEntries(names.map((name, index) => [name, raised[index]]));
    const data = encode(text, bound, call.value, call.ttl, Date.now());
    const stored = await redis.multi().sadd('skillcache:names', ...names).set(key, data, 'EX', call.ttl).exec();
    return stored !== null;
  },

  async load(redis, { session }) {
    const fields = Object.entries(await redis.hgetall(`skill_session:${session}`));
    return Object.fromEntries(fields.map(([name, text]) => [name, JSON.parse(text)]));
  },

  async save(redis, { session, state, ttl }) {
    const fields = Object.entries(state).flatMap(([name, value]) => [name, JSON.stringify(value)]);
    await redis.multi().hset(`skill_session:${session}`, ...fields).expire(`skill_session:${session}`, ttl).exec();
    return true;
  },

  async send(redis, { agent, message }) {
    const text = JSON.stringify(message);
    const channel = `agent_comm:${agent}`;
    const kept = [`${channel}:inbox`, 'MAXLEN', '~', 1000, '*', 'message', text];
    const [[, listeners]] = await redis.multi().publish(channel, text).xadd(...kept).exec();
    return listeners;
  },

  async inbox(redis, { agent }) {
    const held = await redis.xrange(`agent_comm:${agent}:inbox`, '-', '+');
    return held.map(([, fields]) => JSON.parse(fields[fields.indexOf('message') + 1]));
  },

  async listen(redis, { agent }) {
    const heard = new Promise((resolve) => redis.on('message', (channel, text) => resolve(JSON.parse(text))));
    await redis.subscribe(`agent_comm:${agent}`);
    process.stdout.write('listening\n');
    return heard;
  },
};

const redis = new Redis(process.argv[2]);
const answer = await commands[process.argv[3]](redis, JSON.parse(readFileSync(0, 'utf8')));
process.stdout.write(`${JSON.stringify(answer)}\n`);
redis.disconnect();
