// Signature, flags, and the length of an extension: what every COPY in binary format begins with.
const HEADER_BYTES = 19;

/**
 * The rows of a COPY in Postgres' binary format, each a list of fields as bytes. A field is a piece of what was given,
 * not a copy. (Format: the Postgres manual, COPY, "Binary Format".)
 * @throws RangeError when the bytes end before the rows do
 */
export function* rowsCopied(bytes: Buffer): Generator<readonly (Buffer | null)[]> {
  let at = HEADER_BYTES + bytes.readInt32BE(HEADER_BYTES - 4);
  for (;;) {
    const count = bytes.readInt16BE(at);
    at += 2;
    if (count === -1) return;
    const fields: (Buffer | null)[] = [];
    for (let n = 0; n < count; n++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      if (at + Math.max(length, 0) > bytes.length) throw new RangeError('a copied row ends before its fields do');
      fields.push(length === -1 ? null : bytes.subarray(at, at + length));
      at += Math.max(length, 0);
    }
    yield fields;
  }
}
