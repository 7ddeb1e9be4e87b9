/** `bypass offering`: service offerings: list, create, edit, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ServiceOffering } from '../../model/api-answers.ts';
import { CACHE_MODES, PROVISIONING_TYPES, STORAGE_TYPES } from '../../model/vms.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Cli } from '../context.ts';
import { UsageError } from '../errors.ts';
import { findZone } from '../lookup.ts';
import type { Column } from '../output.ts';
import { findOffering, listOfferings } from '../vms/lookup.ts';
import { parseMemory, wholeNumber } from '../whole-number.ts';

interface CreateOptions {
  readonly cpus?: number;
  readonly speed?: number;
  /** MiB. */
  readonly memory?: number;
  readonly custom?: true;
  /** GiB. */
  readonly rootDiskSize?: number;
  readonly storage?: string;
  readonly provisioning?: string;
  readonly cache?: string;
  readonly tags?: string;
  readonly hostTags?: string;
  readonly networkRate?: number;
  readonly limitCpu?: true;
  readonly displayText?: string;
  readonly zone?: string;
}

interface Answer {
  readonly serviceoffering: ServiceOffering;
}

export function offeringCommands(program: Command, cli: Cli): void {
  const offering = noun(program, 'offering', 'service offerings: processors, memory and disk of machines');

  verb<[], { readonly zone?: string }>(offering, cli, {
    usage: 'list',
    summary: 'list service offerings',
    example: 'offering list',
    options: [new Option('--zone <zone>', 'only those of this zone, by name or id')],
    run: async ({ api, out }, _args, { zone }) => {
      const zoneid = zone === undefined ? undefined : (await findZone(api, zone)).id;
      out.list({
        columns: COLUMNS,
        rows: await listOfferings(api, { zoneid }),
        none: 'There is no service offering yet. Make one: bypass offering create NAME --cpus 1 --memory 1G',
      });
    },
  });

  verb<[name: string], CreateOptions>(offering, cli, {
    usage: 'create <name>',
    summary: 'make a service offering',
    example: 'offering create small --cpus 1 --memory 1G',
    options: [
      new Option('--cpus <number>', 'processors').argParser(wholeNumber('--cpus', 'processors')),
      new Option('--memory <size>', 'such as 512M or 2G').argParser(parseMemory),
      new Option('--custom', 'who deploys a machine chooses its processors and memory'),
      new Option('--speed <mhz>', 'MHz of a processor: its weight among others; default 1000').argParser(
        wholeNumber('--speed', 'MHz'),
      ),
      new Option('--limit-cpu', 'no more than that speed, also when the host has time'),
      new Option('--root-disk-size <gib>', 'GiB of the disk; default: as large as the image').argParser(
        wholeNumber('--root-disk-size', 'GiB'),
      ),
      new Option('--storage <type>', 'local: pools of one host; shared: of several')
        .choices(STORAGE_TYPES)
        .default('any'),
      new Option('--provisioning <type>', 'thin: an overlay on the image; sparse, fat: a copy of it').choices(
        PROVISIONING_TYPES,
      ),
      new Option('--cache <mode>', 'how the host caches writes to the disk').choices(CACHE_MODES),
      new Option('--tags <tags>', 'only on pools with these tags, with commas between'),
      new Option('--host-tags <tags>', 'only on hosts with these tags, with commas between'),
      new Option('--network-rate <mbit>', 'megabits per second of each network card').argParser(
        wholeNumber('--network-rate', 'megabits per second'),
      ),
      new Option('--display-text <text>', 'a description'),
      new Option('--zone <zone>', 'only in this zone, by name or id'),
    ],
    run: (session, [name], options) => create(session, name, options),
  });

  verb<[offering: string], EditOptions>(offering, cli, {
    usage: 'edit <offering>',
    summary: 'change its name, description and tags; machines keep what they have until their next start',
    example: 'offering edit small --display-text "1 CPU, 1 GiB"',
    options: [
      new Option('--name <name>', 'a new name'),
      new Option('--display-text <text>', 'a new description'),
      new Option('--tags <tags>', 'only on pools with these tags'),
      new Option('--host-tags <tags>', 'only on hosts with these tags'),
    ],
    run: async ({ api, out }, [text], { name, displayText, tags, hostTags }) => {
      const values = { name, displaytext: displayText, storagetags: tags, hosttags: hostTags };
      if (Object.values(values).every((value) => value === undefined)) {
        throw new UsageError('give at least one thing to change; --help lists them');
      }
      const { id } = await findOffering(api, text);
      const { serviceoffering } = await api.call<Answer>('updateServiceOffering', { id, ...values });
      out.done(`Changed service offering ${serviceoffering.name}`, serviceoffering);
    },
  });

  verb<[offering: string], YesOption>(offering, cli, {
    usage: 'delete <offering>',
    summary: 'remove a service offering; machines that have it keep it',
    example: 'offering delete small --yes',
    options: [yesOption()],
    run: async (session, [text], options) => {
      const { id, name } = await findOffering(session.api, text);
      await confirm(session, `Remove service offering ${name}?`, options);
      session.out.done(
        `Removed service offering ${name}`,
        await session.api.call('deleteServiceOffering', { id }),
      );
    },
  });
}

interface EditOptions {
  readonly name?: string;
  readonly displayText?: string;
  readonly tags?: string;
  readonly hostTags?: string;
}

/** MHz of an offering for which none are given. */
const DEFAULT_SPEED = 1000;

async function create({ api, out }: Session, name: string, options: CreateOptions): Promise<void> {
  const { cpus, memory, custom, speed } = options;
  if (custom !== true && (cpus === undefined || memory === undefined)) {
    throw new UsageError('give --cpus and --memory, or --custom to leave them to those who deploy');
  }
  if (custom === true && (cpus !== undefined || memory !== undefined)) {
    throw new UsageError('with --custom, those who deploy give --cpus and --memory');
  }
  const { serviceoffering } = await api.call<Answer>('createServiceOffering', {
    name,
    displaytext: options.displayText ?? name,
    cpunumber: cpus,
    cpuspeed: custom === true ? speed : (speed ?? DEFAULT_SPEED),
    memory,
    customized: custom,
    limitcpuuse: options.limitCpu,
    rootdisksize: options.rootDiskSize,
    storagetype: options.storage,
    provisioningtype: options.provisioning,
    cachemode: options.cache,
    tags: options.tags,
    hosttags: options.hostTags,
    networkrate: options.networkRate,
    zoneid: options.zone === undefined ? undefined : (await findZone(api, options.zone)).id,
  });
  out.done(`Made service offering ${serviceoffering.name} (${serviceoffering.id})`, serviceoffering);
  out.remark(`Deploy a machine with it: bypass vm deploy NAME --template TEMPLATE --offering ${name}`);
}

const CHOSEN = 'chosen';

const COLUMNS: readonly Column<ServiceOffering>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'CPUS', value: ({ cpunumber, iscustomized }) => (iscustomized ? CHOSEN : cpunumber), right: true },
  { title: 'MHZ', value: ({ cpuspeed }) => cpuspeed, right: true, drop: 5 },
  {
    title: 'MEMORY',
    value: ({ memory, iscustomized }) => (iscustomized || memory === undefined ? CHOSEN : `${memory} MiB`),
    right: true,
  },
  {
    title: 'DISK',
    value: ({ rootdisksize }) => (rootdisksize === undefined ? 'as the image' : `${rootdisksize} GiB`),
    right: true,
    drop: 7,
  },
  { title: 'STORAGE', value: ({ storagetype }) => storagetype, drop: 6 },
  { title: 'TAGS', value: ({ storagetags }) => storagetags, drop: 4 },
  { title: 'HOST TAGS', value: ({ hosttags }) => hosttags, drop: 2 },
  {
    title: 'TEXT',
    value: ({ name, displaytext }) => (displaytext === name ? '' : displaytext),
    atLeast: 10,
    drop: 1,
  },
];
