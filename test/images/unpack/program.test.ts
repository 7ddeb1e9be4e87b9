import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throughProgram } from '../../../images/unpack/program.ts';

async function* packed(): AsyncGenerator<Buffer> {
  yield Buffer.from('packed');
}

test('a decompression program gets nothing of the environment, and as root it runs as nobody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-program-'));
  const program = join(folder, 'xz');
  try {
    await chmod(folder, 0o755);
    await writeFile(program, '#!/bin/sh\ncat >/dev/null\nenv\necho "uid $(id -u) in $PWD"\n', {
      mode: 0o755,
    });
    process.env['BYPASS_INVITE'] = 'planted';
    const filter = { program, args: [], signal: new AbortController().signal };
    const printed: Buffer[] = [];
    for await (const chunk of throughProgram(packed(), filter)) printed.push(chunk);
    const said = Buffer.concat(printed).toString();
    expect(said).not.toContain('planted');
    expect(said).toContain(`uid ${process.getuid?.() === 0 ? 65_534 : process.getuid?.()} in /\n`);
  } finally {
    delete process.env['BYPASS_INVITE'];
    await rm(folder, { recursive: true });
  }
});
