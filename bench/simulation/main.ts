/** `npm run simulate`: how an image spreads over a zone of many hosts, by link speeds and numbers of uploads. */
import { parseArgs } from 'node:util';
import { table } from '../report.ts';
import { simulate } from './spread.ts';

const USAGE = `Usage: npm run simulate -- [options]
  --hosts N           hosts of the zone (default 10000)
  --size MIB          size of the image (default 2048)
  --origin MBIT       the origin's line, in Mbit/s (default 1000)
  --links MBIT[,...]  links of the hosts (default 1000,10000,25000)
  --uploads N[,...]   uploads of a host at a time (default 1,2,4,8)
  --choice-ms MS      between two choices of the control side (default 50)
  --begin-ms MS       from the choice to the first byte (default 300)
  --hop-ms MS         from the last byte at a host to that at the next one (default 100)
  --json              prints JSON
`;

function numbers(name: string, text: string): readonly number[] {
  const found = text.split(',').map(Number);
  if (found.every((value) => Number.isFinite(value) && value >= 0)) return found;
  throw new Error(`--${name} must be numbers, not '${text}'`);
}

const number = (name: string, text: string): number => numbers(name, text)[0] ?? 0;

const BYTES_PER_MBIT = 1e6 / 8;

function run(): void {
  const { values } = parseArgs({
    options: {
      hosts: { type: 'string', default: '10000' },
      size: { type: 'string', default: '2048' },
      origin: { type: 'string', default: '1000' },
      links: { type: 'string', default: '1000,10000,25000' },
      uploads: { type: 'string', default: '1,2,4,8' },
      'choice-ms': { type: 'string', default: '50' },
      'begin-ms': { type: 'string', default: '300' },
      'hop-ms': { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const hosts = Math.max(1, Math.floor(number('hosts', values.hosts)));
  const size = number('size', values.size) * 1_048_576;
  const originRate = number('origin', values.origin) * BYTES_PER_MBIT;
  const common = {
    hosts,
    size,
    originRate,
    choiceSeconds: number('choice-ms', values['choice-ms']) / 1000,
    beginSeconds: number('begin-ms', values['begin-ms']) / 1000,
    hopSeconds: number('hop-ms', values['hop-ms']) / 1000,
  };
  const results = numbers('links', values.links).flatMap((link) =>
    numbers('uploads', values.uploads).map((uploads) => {
      const hostRate = link * BYTES_PER_MBIT;
      const one = simulate({ ...common, hosts: 1, uploads, hostRate });
      return { link, uploads, one: one.all, ...simulate({ ...common, uploads, hostRate }) };
    }),
  );
  const plainSeconds = (hosts * size) / originRate;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...common, plainSeconds, results })}\n`);
    return;
  }
  const rows = results.map(({ link, uploads, originBytes, half, all, depth, one }) => [
    `${link} Mbit/s`,
    String(uploads),
    `${(originBytes / size).toFixed(2)} ×`,
    half.toFixed(1),
    all.toFixed(1),
    `${(all / one).toFixed(2)} ×`,
    String(depth),
  ]);
  process.stdout.write(
    `${hosts} hosts, ${values.size} MiB, the origin's line ${values.origin} Mbit/s\n` +
      `${table([['links', 'uploads', 'origin sends', 's to half', 's to all', 'of one host', 'depth'], ...rows])}\n` +
      `  Without peers the origin's line alone needs ${plainSeconds.toFixed(0)} s for ${hosts} images\n`,
  );
}

try {
  run();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
