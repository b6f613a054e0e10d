// A reader and writer of skillcache's stored form in another language: entries, session hashes and messages.
//
//   node entry.mjs URL COMMAND < JSON    the arguments as one JSON object; prints one JSON value
//                                        URL: redis://host:port, or redis+cluster://host:port of any node
//
//   key     {skill, inputs, version?, team?}              the key of an entry
//   get     {skill, inputs, version?, team?}              {found, value}
//   set     {skill, inputs, version?, team?, value, ttl}  whether it was stored: not after an invalidation meanwhile
//   raise   {name}                                        the generation, after all that is bound to the name is void
//   load    {session}                                     the fields of a session
//   save    {session, state, ttl}
//   send    {agent, message}                              the number of listeners
//   inbox   {agent}                                       the messages kept, oldest first
//   listen  {agent}                                       prints "listening", then the first message heard
//
// With SKILLCACHE_TEAM_KEY in the environment it writes what is signed and takes nothing else.
//
// The grammar of an entry is written in skillcache/stores/entry.py, the layout of keys in skillcache/stores/contract.py,
// that of signatures in skillcache/stores/signed.py.
// ioredis is found in the folder that IOREDIS names.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { hostname, userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { deflateSync, inflateSync } from 'node:zlib';

import { tagOf, tags } from './cluster.mjs';

const Redis = createRequire(import.meta.url)(process.env.IOREDIS);
const PLAIN = 4096; // bytes up to which an output is stored as it is

// RFC 8785: JavaScript's own numbers and strings, names in the order of their UTF-16 code units, no space.
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

// Of each line of the team's keys the secret's own two: the id it is known by, and what it signs with.
const hmac = (key, ...parts) => parts.reduce((state, part) => state.update(part), createHmac('sha256', key)).digest();
const lines = (process.env.SKILLCACHE_TEAM_KEY ?? '').split(/[\n,]/).map((line) => line.trim().split(/\s+/));
const team = lines.filter(([secret]) => secret).map(([secret, writer = '']) => (
  { id: hmac(secret, 'skillcache 1 id').toString('hex').slice(0, 8), sign: hmac(secret, 'skillcache 1 sign'), writer }
));
const me = `${userInfo().username}@${hostname()}`.replace(/[^\w.@-]/g, '-');
const SLACK = 3600; // seconds by which clocks differ

function mac(key, kind, name, words, data) {
  const head = `skillcache 1\n${kind}\n${Buffer.byteLength(name)} ${name}\n${words}\n`;
  return hmac(key.sign, head, data).toString('hex').slice(0, 32);
}

function sign(kind, name, data, until = 0) {
  const [key] = team;
  const words = `${key.id} ${until} ${key.writer || me}`;
  return `1 ${words} ${mac(key, kind, name, words, data)}`;
}

function isSigned(kind, name, data, signature) {
  const [version, id, until, writer, given] = signature.split(' ');
  const key = team.find((each) => each.id === id);
  if (version !== '1' || !key || given?.length !== 32) return false;
  const made = mac(key, kind, name, `${id} ${until} ${writer}`, data);
  const owned = team.some((each) => each.writer === writer);
  const isOwn = key.writer ? key.writer === writer : !owned; // a name with a key of its own is nobody else's
  const isInTime = until === '0' || Date.now() / 1000 <= Number(until) + SLACK;
  return timingSafeEqual(Buffer.from(made), Buffer.from(given)) && isOwn && isInTime;
}

// A text followed by a line with its signature; as it is where there is no team.
const seal = (kind, name, text, until) => (team.length ? `${text}\n${sign(kind, name, text, until)}` : text);

function open(kind, name, sealed) {
  if (!team.length) return sealed;
  const at = sealed.lastIndexOf('\n');
  return at >= 0 && isSigned(kind, name, sealed.slice(0, at), sealed.slice(at + 1)) ? sealed.slice(0, at) : null;
}

// An entry is signed as it is with an empty signature in its header.
const SLOT = '"signature":"';

function signEntry(key, data, ttl) {
  if (!team.length) return data;
  const at = data.indexOf(SLOT) + SLOT.length;
  const signature = sign('entry', key, data, Math.floor(Date.now() / 1000) + ttl);
  return Buffer.concat([data.subarray(0, at), Buffer.from(signature), data.subarray(at)]);
}

function isEntrySigned(key, data) {
  if (!team.length) return true;
  const at = data.indexOf(SLOT) + SLOT.length;
  const end = data.indexOf('"', at);
  const rest = Buffer.concat([data.subarray(0, at), data.subarray(end)]);
  return isSigned('entry', key, rest, data.subarray(at, end).toString());
}

// In a cluster a key has a tag in front, by what it belongs to; generations and names lie beside each entry.
const url = process.argv[2];
const isSpread = url.startsWith('redis+cluster:');
const at = (text, key) => (isSpread ? tagOf(text) + key : key);

const inTime = (ttl) => Math.floor(Date.now() / 1000) + ttl;
const fieldOf = (session, name) => `skill_session:${session}\n${name}`;
const generationKey = (name) => `skill_cache_gen:${name}`;

// key: of the entry; digest: by which it lies; text: what it depends on, in full; names: those it is invalidated by.
function place({ skill, inputs, version, team }) {
  const text = canonical(inputs);
  const behind = version === undefined ? '' : `:v${version}`;
  const digest = sha256(text).slice(0, 40);
  const key = `${team ? `team:cache:${team}` : 'skill_cache'}:${skill}:${digest}${behind}`;
  return { key, digest, text, names: team ? [skill, `@team:${team}`] : [skill] };
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

const generationKeys = (digest, names) => names.map((name) => at(digest, generationKey(name)));

const commands = {
  key: (redis, call) => place(call).key,

  async get(redis, call) {
    const { key, digest, text, names } = place(call);
    const [data, ...raised] = await redis.mgetBuffer(at(digest, key), ...generationKeys(digest, names));
    const entry = data && isEntrySigned(key, data) && decode(data);
    const isCurrent = (name, index) => entry.header.names[name] === Number(raised[index] ?? 0);
    if (!entry || entry.header.form !== 'json' || entry.header.key !== text) return { found: false };
    if (Object.keys(entry.header.names).length !== names.length || !names.every(isCurrent)) return { found: false };
    return { found: true, value: JSON.parse(entry.output.toString()) };
  },

  async set(redis, call) {
    const { key, digest, text, names } = place(call);
    const keys = generationKeys(digest, names);
    await redis.watch(keys); // an invalidation from here on keeps the value out
    const raised = await redis.mget(keys);
    const bound = Object.fromEntries(names.map((name, index) => [name, Number(raised[index] ?? 0)]));
    const data = signEntry(key, encode(text, bound, call.value, call.ttl, Date.now()), call.ttl);
    const known = redis.multi().sadd(at(digest, 'skillcache:names'), ...names);
    const stored = await known.set(at(digest, key), data, 'EX', call.ttl).exec();
    return stored !== null;
  },

  async raise(redis, { name }) {
    const keys = isSpread ? tags.map((tag) => tag + generationKey(name)) : [generationKey(name)];
    return Math.max(...(await Promise.all(keys.map((key) => redis.incr(key)))));
  },

  async load(redis, { session }) {
    const fields = Object.entries(await redis.hgetall(at(session, `skill_session:${session}`)));
    const opened = fields.map(([name, text]) => [name, open('session', fieldOf(session, name), text)]);
    return Object.fromEntries(opened.filter(([, text]) => text !== null).map(([name, text]) => [name, JSON.parse(text)]));
  },

  async save(redis, { session, state, ttl }) {
    const sealed = (name, value) => seal('session', fieldOf(session, name), JSON.stringify(value));
    const fields = Object.entries(state).flatMap(([name, value]) => [name, sealed(name, value)]);
    const key = at(session, `skill_session:${session}`);
    await redis.multi().hset(key, ...fields).expire(key, ttl).exec();
    return true;
  },

  async send(redis, { agent, message }) {
    const channel = `agent_comm:${agent}`;
    const text = seal('channel', channel, JSON.stringify(message), inTime(3600));
    await redis.xadd(at(agent, `${channel}:inbox`), 'MAXLEN', '~', 1000, '*', 'message', text);
    return redis.publish(channel, text); // which has no tag, and is heard at every node
  },

  async inbox(redis, { agent }) {
    const held = await redis.xrange(at(agent, `agent_comm:${agent}:inbox`), '-', '+');
    const texts = held.map(([, fields]) => open('channel', `agent_comm:${agent}`, fields[fields.indexOf('message') + 1]));
    return texts.filter((text) => text !== null).map((text) => JSON.parse(text));
  },

  async listen(redis, { agent }) {
    const heard = new Promise((resolve) => {
      redis.on('message', (channel, text) => {
        const opened = open('channel', channel, text);
        if (opened !== null) resolve(JSON.parse(opened));
      });
    });
    await redis.subscribe(`agent_comm:${agent}`);
    process.stdout.write('listening\n');
    return heard;
  },
};

const redis = isSpread ? new Redis.Cluster([url.replace('redis+cluster:', 'redis:')]) : new Redis(url);
const answer = await commands[process.argv[3]](redis, JSON.parse(readFileSync(0, 'utf8')));
process.stdout.write(`${JSON.stringify(answer)}\n`);
redis.disconnect();
