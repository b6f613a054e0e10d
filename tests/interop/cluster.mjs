// Where a key lies in a cluster, for another language. The layout is written in skillcache/stores/cluster.py.

function crc16(text) {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

// The first of s0, s1, ... whose slot is in the first 256, in the next, and so on.
export const tags = [];
for (let number = 0; Object.keys(tags).length < 64; number += 1) {
  const place = (crc16(`s${number}`) % 16384) >> 8;
  tags[place] ??= `{s${number}}`;
}

// Of what belongs to this text: the digest of an entry, the id of a session or an agent.
export const tagOf = (text) => tags[(crc16(text) % 16384) >> 8];
