/** The verbs that change templates and ISOs: update, share, unshare, source, tag, untag. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { collect } from '../collect.ts';
import { verb } from '../command.ts';
import type { Session } from '../command.ts';
import { UsageError } from '../errors.ts';
import type { ImageNoun } from '../images.ts';
import { findImage, findOsType } from '../lookup.ts';
import type { Image } from '../lookup.ts';
import { readHeaders } from '../registering.ts';
import type { Cli } from '../context.ts';
import { waitForJob } from '../waiting.ts';

interface UpdateOptions {
  readonly name?: string;
  readonly displayText?: string;
  readonly osType?: string;
  readonly header?: readonly string[];
  readonly public?: boolean;
  readonly featured?: boolean;
  readonly extractable?: boolean;
}

export function imageChanges(parent: Command, cli: Cli, noun: ImageNoun): void {
  const one = (session: Session, text: string): Promise<Image> => findImage(session.api, text, [noun]);
  const exampleOf = (word: string): string => `${noun.noun} ${word} ubuntu-24.04`;
  const kind = noun.noun === 'iso' ? 'Iso' : 'Template';

  verb<[image: string], UpdateOptions>(parent, cli, {
    usage: `update <${noun.noun}>`,
    summary: 'change its name, description, OS type, headers and permissions',
    example: `${exampleOf('update')} --public`,
    options: [
      new Option('--name <name>', 'a new name'),
      new Option('--display-text <text>', 'a new description'),
      new Option('--os-type <type>', 'guest OS type, by description or id'),
      new Option(
        '--header <header>',
        "'Name: value', or @FILE; replaces all present headers; may be repeated",
      ).argParser(collect),
      new Option('--public', 'others may use it'),
      new Option('--no-public', 'only its account may use it'),
      new Option('--featured', 'shown first to others'),
      new Option('--no-featured', 'not shown first any more'),
      new Option('--extractable', 'others may learn its URL'),
      new Option('--no-extractable', 'others may not learn its URL'),
    ],
    run: async (session, [text], options) => {
      const image = await one(session, text);
      const answer = await change(session, image, kind, options);
      session.out.done(`Changed ${noun.title} ${image.name}`, answer);
    },
  });

  for (const [word, op] of [
    ['share', 'add'],
    ['unshare', 'remove'],
  ] as const) {
    verb<[image: string, accounts: string[]], object>(parent, cli, {
      usage: `${word} <${noun.noun}> <account...>`,
      summary: word === 'share' ? 'allow other accounts to use it' : 'stop accounts from using it',
      example: `${exampleOf(word)} alice bob`,
      run: async (session, [text, accounts]) => {
        const { id, name } = await one(session, text);
        const answer = await session.api.call(`update${kind}Permissions`, {
          id,
          op,
          accounts: accounts.join(','),
        });
        session.out.done(
          `${name} is ${word === 'share' ? '' : 'no longer '}shared with ${accounts.join(', ')}`,
          answer,
        );
      },
    });
  }

  verb<[image: string], object>(parent, cli, {
    usage: `permissions <${noun.noun}>`,
    summary: 'show who may use it',
    example: exampleOf('permissions'),
    run: async (session, [text]) => {
      const { id, name } = await one(session, text);
      const { templatepermission: may } = await session.api.call<PermissionAnswer>(`list${kind}Permissions`, {
        id,
      });
      const fields = [
        { title: 'Name', value: name },
        { title: 'Public', value: may.ispublic ? 'yes' : 'no' },
        { title: 'Shared with', value: may.account.join(', ') },
      ];
      session.out.item(fields, may);
    },
  });

  verb<[image: string], object>(parent, cli, {
    usage: `source <${noun.noun}>`,
    summary: 'print the URL that hosts download it from',
    example: exampleOf('source'),
    run: async (session, [text]) => {
      const { id } = await one(session, text);
      const { jobid } = await session.api.call<{ readonly jobid: string }>(`extract${kind}`, {
        id,
        mode: 'HTTP_DOWNLOAD',
      });
      const { jobresult } = await waitForJob(session, jobid);
      const { url = '' } =
        (jobresult as Readonly<Record<string, { readonly url?: string }>>)[noun.noun] ?? {};
      session.out.done(url, jobresult);
    },
  });

  verb<[image: string, tags: string[]], object>(parent, cli, {
    usage: `tag <${noun.noun}> <tag...>`,
    summary: 'add tags, as KEY=VALUE',
    example: `${exampleOf('tag')} env=prod`,
    run: async (session, [text, tags]) => {
      const { id, name } = await one(session, text);
      const answer = await session.api.call('createTags', { ...resource(id, kind), ...pairsOf(tags) });
      session.out.done(`Tagged ${noun.title} ${name}`, answer);
    },
  });

  verb<[image: string, keys: string[]], object>(parent, cli, {
    usage: `untag <${noun.noun}> [key...]`,
    summary: 'remove the tags with these keys, or all',
    example: `${exampleOf('untag')} env`,
    run: async (session, [text, keys]) => {
      const { id, name } = await one(session, text);
      const named = Object.fromEntries(keys.map((key, at) => [`tags[${at}].key`, key]));
      const answer = await session.api.call('deleteTags', { ...resource(id, kind), ...named });
      session.out.done(`Removed tags of ${noun.title} ${name}`, answer);
    },
  });
}

interface PermissionAnswer {
  readonly templatepermission: { readonly ispublic: boolean; readonly account: readonly string[] };
}

const resource = (resourceids: string, kind: string) => ({
  resourceids,
  resourcetype: kind === 'Iso' ? 'ISO' : 'Template',
});

function pairsOf(tags: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    tags.flatMap((tag, at) => {
      const equals = tag.indexOf('=');
      if (equals < 1) throw new UsageError(`tags are written KEY=VALUE, not '${tag}'`);
      return [
        [`tags[${at}].key`, tag.slice(0, equals)],
        [`tags[${at}].value`, tag.slice(equals + 1)],
      ];
    }),
  );
}

const given = (all: object): boolean => Object.values(all).some((value) => value !== undefined);

async function change(
  { api }: Session,
  { id }: Image,
  kind: string,
  options: UpdateOptions,
): Promise<unknown> {
  const { name, displayText, osType, header, ...flags } = options;
  const permissions = {
    ispublic: flags.public,
    isfeatured: flags.featured,
    isextractable: flags.extractable,
  };
  const values = {
    name,
    displaytext: displayText,
    ostypeid: osType === undefined ? undefined : await findOsType(api, osType),
    ...(header === undefined ? {} : await readHeaders(header)),
  };
  if (!given(permissions) && !given(values))
    throw new UsageError('give at least one thing to change; --help lists them');
  if (given(permissions)) await api.call(`update${kind}Permissions`, { id, ...permissions });
  return given(values) ? api.call(`update${kind}`, { id, ...values }) : { id, ...permissions };
}
