import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { parseMetalink } from '../../images/fetch/protocols/metalink/metalink.ts';
import { DISK_BYTES, makeDisk } from '../../dev/demo-disk.ts';
import { startOrigin } from '../../dev/demo-origin.ts';
import { findProgram, needing } from '../support/programs.ts';

const run = promisify(execFile);
const MIB = 1_048_576;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-demo-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the disk of the demo', () => {
  let home: string;
  let path: string;
  let disk: Awaited<ReturnType<typeof makeDisk>>;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'bypass-demo-disk-'));
    path = join(home, 'disk');
    disk = await makeDisk(path);
  });
  afterAll(() => rm(home, { recursive: true }));

  test('has at least 256 MiB, a partition table, and the SHA-256 that is reported', async () => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    expect(disk).toEqual({ bytes: DISK_BYTES, sha256: hash.digest('hex') });
    expect(DISK_BYTES).toBeGreaterThanOrEqual(256 * MIB);
    const file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    await file.close();
    expect(buffer.readUInt16BE(510)).toBe(0x55aa);
    expect(buffer.readUInt32LE(446 + 8) * 512 + buffer.readUInt32LE(446 + 12) * 512).toBe(DISK_BYTES);
  });

  needing('fsck.vfat')('as the file system checker sees it', () => {
    test('has a file system without errors', async () => {
      const partition = join(folder, 'partition');
      await pipeline(createReadStream(path, { start: MIB }), async (chunks: AsyncIterable<Buffer>) =>
        writeFile(partition, chunks),
      );
      const { stdout } = await run(findProgram('fsck.vfat') ?? '', ['-n', partition]);
      expect(stdout).toContain('3 files');
      expect(stdout).not.toMatch(/wrong|differ|bad|lost|free cluster summary wrong/i);
    });
  });
});

test('the origin of the demo serves the whole file and ranges, and a metalink whose first mirror is dead', async () => {
  const body = Buffer.from('0123456789');
  const path = join(folder, 'body');
  await writeFile(path, body);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const origin = await startOrigin(path, { bytes: body.length, sha256 });
  try {
    const document = Buffer.from(await (await fetch(origin.metalinkUrl)).arrayBuffer());
    const { mirrors, checksum, size } = parseMetalink(document, PROTOCOLS);
    expect({ checksum, size }).toEqual({ checksum: `{SHA-256}${sha256}`, size: 10 });
    const [dead, live] = mirrors.map(({ url }) => url);
    await expect(fetch(dead ?? '')).rejects.toThrow('fetch failed');
    const ask = async (headers: Record<string, string>): Promise<string> => {
      const response = await fetch(live ?? '', { headers });
      return `${response.status} ${await response.text()}`;
    };
    expect(await ask({})).toBe('200 0123456789');
    expect(await ask({ range: 'bytes=3-' })).toBe('206 3456789');
    expect(await ask({ range: 'bytes=3-4', 'if-range': `"${sha256}"` })).toBe('206 34');
    expect(await ask({ range: 'bytes=3-', 'if-range': '"other"' })).toBe('200 0123456789');
    expect(await ask({ range: 'bytes=10-' })).toBe('416 ');
    expect((await fetch(new URL('/other', origin.metalinkUrl))).status).toBe(404);
  } finally {
    await origin.close();
  }
});
