/**
 * Data with bytes in it, such as a history of Temporal, as text: bytes as the characters that they stand for. Messages
 * and buffers would by themselves make Base64 and lists of numbers of them.
 */
export const readableText = (data: unknown): string => JSON.stringify(plain(data));

function plain(value: unknown): unknown {
  // What another realm made is no instance of ours.
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, plain(inside)]));
}
