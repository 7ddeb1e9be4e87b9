/** The first bytes of a body, for whatever needs no more. */

/** @returns at most `length` bytes; fewer when the body ends before. What the body throws, it throws. */
export async function firstBytes(body: AsyncIterable<readonly Buffer[]>, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const batch of body) {
    chunks.push(...batch);
    bytes += batch.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytes >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}
