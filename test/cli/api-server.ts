/**
 * An api as the client commands see it: a real HTTP server that checks signatures by an implementation of its own,
 * wraps answers as CloudStack does, pages lists, and answers what a test tells it to.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Given = Readonly<Record<string, string>>;
/** A list answers with all its rows under its key; paging is done here. */
export type Handler = (given: Given) => unknown;

export interface ApiServer {
  readonly url: string;
  readonly apiKey: string;
  readonly secretKey: string;
  /** What was called, in order. */
  readonly calls: { readonly command: string; readonly given: Given }[];
  /** Answers from now on; those that were there stay. */
  answer(handlers: Readonly<Record<string, Handler>>): void;
  called(command: string): readonly Given[];
  close(): Promise<void>;
}

/** Thrown by a handler: an error of the api. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

export interface Keys {
  readonly apiKey: string;
  readonly secretKey: string;
}

/** @param kept keys, for one that comes in place of another on the same port */
export async function startApi(
  handlers: Readonly<Record<string, Handler>> = {},
  port = 0,
  kept?: Keys,
): Promise<ApiServer> {
  const keys: Keys = {
    apiKey: kept?.apiKey ?? randomBytes(8).toString('hex'),
    secretKey: kept?.secretKey ?? randomBytes(16).toString('base64url'),
  };
  const known = new Map(Object.entries(handlers));
  const calls: ApiServer['calls'] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = Object.fromEntries(new URLSearchParams(await textOf(request)));
    const command = given['command'] ?? '';
    const reply = (status: number, inner: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
      response.end(JSON.stringify({ [`${command.toLowerCase()}response`]: inner }));
    };
    const refuse = (code: number, errortext: string): void =>
      reply(code, { uuidList: [], errorcode: code, cserrorcode: 9999, errortext });
    if (given['apiKey'] !== keys.apiKey || given['signature'] !== signatureOf(given, keys.secretKey)) {
      refuse(401, 'unable to verify user credentials and/or request signature');
      return;
    }
    calls.push({ command, given });
    const handler = known.get(command);
    if (handler === undefined) {
      refuse(401, `The given command '${command}' either does not exist, is not available for user.`);
      return;
    }
    try {
      reply(200, paged(handler(given), given));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error.code, error.message);
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...keys,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/api`,
    calls,
    answer: (more) => Object.entries(more).forEach(([name, handler]) => known.set(name, handler)),
    called: (command) => calls.filter((call) => call.command === command).map(({ given }) => given),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** CloudStack's signature, written down here once more so that the client's is checked by something else. */
function signatureOf(given: Given, secretKey: string): string {
  const names = Object.keys(given)
    .filter((name) => name !== 'signature')
    .sort();
  const pairs = names.map((name) => {
    const form = new URLSearchParams({ v: given[name] ?? '' }).toString().slice(2);
    return `${name}=${form.replaceAll('+', '%20')}`.toLowerCase();
  });
  return createHmac('sha1', secretKey).update(pairs.join('&')).digest('base64');
}

/** An empty list is answered as `{}`. */
function paged(inner: unknown, { page, pagesize }: Given): unknown {
  const [[key, rows] = []] = Object.entries(inner as object) as [string, unknown][];
  if (!Array.isArray(rows) || page === undefined) return inner;
  const size = Number(pagesize);
  const shown = rows.slice((Number(page) - 1) * size, Number(page) * size) as unknown[];
  return rows.length === 0 ? {} : { count: rows.length, [key ?? '']: shown };
}
