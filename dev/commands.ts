/** `bypass dev` and `bypass demo`. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { defineProcess, texts } from '../workers/process-command.ts';

export function devCommands(program: Command): void {
  defineProcess(program.command('dev'), {
    process: 'dev',
    summary: 'run everything on this machine (what `npm start` does)',
    example: 'dev --hosts 3',
    run: async (settings) => (await import('./dev.ts')).run(settings),
  });
  defineProcess(program.command('demo'), {
    process: 'demo',
    summary: 'run everything for a moment, and bring one image onto a pool',
    example: 'demo --url https://example.org/ubuntu.qcow2',
    options: [
      new Option('--url <url>', 'the image; without it, one that is made on the spot'),
      new Option('--checksum <checksum>', '{SHA-256}hex of it'),
      new Option('--format <format>', 'QCOW2, RAW or ISO'),
      new Option('--json', 'end with one line of JSON on stdout'),
    ],
    run: async (settings, { url, checksum, format, json }) => {
      const options = { ...texts({ url, checksum, format }), json: json === true };
      await (await import('./demo.ts')).run(settings, options);
    },
  });
}
