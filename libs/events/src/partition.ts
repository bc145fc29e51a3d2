/** murmur2 as Kafka's Java client computes it: 32 bits, seed 0x9747b28c. */
function murmur2(data: Buffer): number {
  const m = 0x5bd1e995;
  const { length } = data;
  let h = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k = Math.imul(data.readInt32LE(at), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length - at;
  if (rest === 3) h ^= data.readUInt8(at + 2) << 16;
  if (rest >= 2) h ^= data.readUInt8(at + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ data.readUInt8(at), m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

/**
 * The partition of a key: `toPositive(murmur2(key)) mod partitions`, the default of Kafka's Java client, so that any
 * client finds a creator's records in the same place.
 */
export const partitionOf = (key: string | Buffer, partitions: number): number =>
  (murmur2(typeof key === 'string' ? Buffer.from(key, 'utf8') : key) & 0x7fffffff) % partitions;
