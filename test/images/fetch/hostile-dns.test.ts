/** A name server that never answers. The system's resolver asks it, so a process of its own has it as its only one. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../platform/installation.ts';
import { ensureBuilt } from '../../support/ensure-built.ts';

const ADDRESS = '127.9.9.9';
const PROGRAM = `
const { createHttpSource } = await import(process.argv[1]);
const request = { url: 'http://nobody.example.org/a', signal: new AbortController().signal };
const said = await createHttpSource({ dnsMs: 300 }).probe(request).catch(({ kind, message }) => ({ kind, message }));
process.stdout.write(JSON.stringify(said));
`;

/** A namespace of mounts, and the port of name servers, need root. */
const withRoot =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0 ? describe : describe.skip;

withRoot('a name server that never answers', () => {
  test('is given up after the limit for DNS', async () => {
    await ensureBuilt();
    const folder = await mkdtemp(join(tmpdir(), 'bypass-dns-'));
    const silent = createSocket('udp4');
    try {
      silent.bind(53, ADDRESS);
      await once(silent, 'listening');
      await writeFile(join(folder, 'resolv.conf'), `nameserver ${ADDRESS}\n`);
      const source = join(PROJECT_ROOT, 'dist', 'images', 'fetch', 'protocols', 'http', 'http.js');
      const inside = 'mount --bind "$1" /etc/resolv.conf && exec "$2" --input-type=module -e "$3" "$4"';
      const args = [
        '-m',
        'sh',
        '-c',
        inside,
        'sh',
        join(folder, 'resolv.conf'),
        process.execPath,
        PROGRAM,
        source,
      ];
      const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const asked = once(silent, 'message');
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      expect(JSON.parse(said.toString())).toEqual({
        kind: 'Unreachable',
        message: 'has a host name that was not resolved within 0.3 s (limit for DNS)',
      });
      await asked;
      // Its resolver waits on, and so would its end.
      child.kill('SIGKILL');
      await once(child, 'close');
    } finally {
      silent.close();
      await rm(folder, { recursive: true });
    }
  });
});
