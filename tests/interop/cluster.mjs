// How another language finds what is kept in a cluster: `node cluster.mjs PORT COMMAND < JSON`, prints one JSON value.
//
//   get    {key}    [the entry's bytes as hexadecimal or null, the generation of its name]
//   raise  {name}   the generation of a name, with every tag
//
// The layout is written in skillcache/stores/cluster.py. ioredis is found in the folder that IOREDIS names.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const Redis = createRequire(import.meta.url)(process.env.IOREDIS);

function crc16(text) {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

// The first of s0, s1, ... whose slot is in the first 256, in the next, and so on.
const tags = [];
for (let number = 0; Object.keys(tags).length < 64; number += 1) {
  const place = (crc16(`s${number}`) % 16384) >> 8;
  tags[place] ??= `{s${number}}`;
}
const tagOf = (digest) => tags[(crc16(digest) % 16384) >> 8];

const commands = {
  async get(redis, { key }) {
    const parts = key.split(':');
    const digest = parts.findLast((part) => !part.startsWith('v'));
    const [entry, generation] = await redis.mgetBuffer(
      `${tagOf(digest)}${key}`,
      `${tagOf(digest)}skill_cache_gen:${parts[1]}`,
    );
    return [entry && entry.toString('hex'), Number(generation ?? 0)];
  },

  async raise(redis, { name }) {
    return Math.max(...(await Promise.all(tags.map((tag) => redis.incr(`${tag}skill_cache_gen:${name}`)))));
  },
};

const redis = new Redis.Cluster([{ host: '127.0.0.1', port: Number(process.argv[2]) }]);
const answer = await commands[process.argv[3]](redis, JSON.parse(readFileSync(0, 'utf8')));
process.stdout.write(`${JSON.stringify(answer)}\n`);
redis.disconnect();
