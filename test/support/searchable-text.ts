/**
 * Writes data such as a history of Temporal as text in which secrets can be found: bytes as the characters that they
 * encode. By themselves, protobuf messages write bytes as Base64, and buffers write them as lists of numbers.
 */
export const searchableText = (data: unknown): string => JSON.stringify(plain(data));

function plain(value: unknown): unknown {
  // Jest's realm has other classes, so `instanceof` would not recognise these.
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, plain(inside)]));
}
