/** `bypass event`: list. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { RecordedEvent } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { UsageError } from '../errors.ts';
import { timeCell } from '../cells.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';
import type { Tone } from '../text.ts';

interface ListOptions {
  readonly limit: number;
  readonly level?: string;
  readonly type?: string;
}

/** The largest page of the api. */
const MAX_EVENTS = 500;

export function eventCommands(program: Command, cli: Cli): void {
  const event = noun(program, 'event', 'events: who did what to what, and what came of it');
  verb<[], ListOptions>(event, cli, {
    usage: 'list',
    summary: 'list events, the newest first',
    example: 'event list --level ERROR --limit 10',
    options: [
      new Option('--limit <number>', `how many, up to ${MAX_EVENTS}`).default(50).argParser(parseLimit),
      new Option('--level <level>', 'only INFO, WARN or ERROR'),
      new Option('--type <type>', 'only of this type, such as TEMPLATE.CREATE'),
    ],
    run: async ({ api, out }, _args, { limit, level, type }) => {
      const { event: rows = [] } = await api.call<{ readonly event?: readonly RecordedEvent[] }>(
        'listEvents',
        {
          page: 1,
          pagesize: limit,
          level: level?.toUpperCase(),
          type,
        },
      );
      out.list({ columns: COLUMNS, rows, none: 'No such event was recorded' });
    },
  });
}

const TONES: Readonly<Record<string, Tone>> = { ERROR: 'bad', WARN: 'busy' };

const COLUMNS: readonly Column<RecordedEvent>[] = [
  { title: 'TIME', value: ({ created }) => timeCell(created) },
  { title: 'LEVEL', value: ({ level }) => level, tone: ({ level }) => TONES[level ?? ''] },
  { title: 'TYPE', value: ({ type }) => type, atLeast: 14, drop: 2 },
  { title: 'USER', value: ({ username }) => username, drop: 1 },
  { title: 'DESCRIPTION', value: ({ description }) => description, atLeast: 36 },
];

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MAX_EVENTS) return limit;
  throw new UsageError(`--limit takes a number from 1 to ${MAX_EVENTS}, not '${text}'`);
}
