/**
 * An api for tests of the client commands: a real HTTP server that checks signatures by an implementation of its own,
 * wraps answers as CloudStack does, pages lists, and answers by the handlers of a test.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, type ErrorOptions, notAvailable, unauthorized } from '../../api/server/errors.ts';

export type SentParameters = Readonly<Record<string, string>>;
/** Answers one command. A list returns all rows under its key; the server pages them. */
export type Handler = (given: SentParameters) => unknown;

export interface ApiServer {
  readonly url: string;
  readonly apiKey: string;
  readonly secretKey: string;
  /** The calls so far, in order. */
  readonly calls: { readonly command: string; readonly given: SentParameters }[];
  /** Adds handlers; handlers of other commands stay. */
  answer(handlers: Readonly<Record<string, Handler>>): void;
  called(command: string): readonly SentParameters[];
  close(): Promise<void>;
}

/** A handler throws it to answer an error of the api. */
export class Refusal extends Error {
  readonly error: ApiError;

  constructor(code: number, text: string, options?: ErrorOptions) {
    super(text);
    this.error = new ApiError(code, text, options);
  }
}

export interface Keys {
  readonly apiKey: string;
  readonly secretKey: string;
}

/** @param kept the keys of a server that this one replaces on the same port */
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
    const refuse = (error: ApiError): void => reply(error.code, error.toBody());
    if (given['apiKey'] !== keys.apiKey || given['signature'] !== signatureOf(given, keys.secretKey)) {
      refuse(unauthorized());
      return;
    }
    calls.push({ command, given });
    const handler = known.get(command);
    if (handler === undefined) {
      refuse(notAvailable(command));
      return;
    }
    try {
      reply(200, paged(handler(given), given));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error.error);
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

/** CloudStack's signature, implemented a second time so that the client is not checked by its own code. */
function signatureOf(given: SentParameters, secretKey: string): string {
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
function paged(inner: unknown, { page, pagesize }: SentParameters): unknown {
  const [[key, rows] = []] = Object.entries(inner as object) as [string, unknown][];
  if (!Array.isArray(rows) || page === undefined) return inner;
  const size = Number(pagesize);
  const shown = rows.slice((Number(page) - 1) * size, Number(page) * size) as unknown[];
  return rows.length === 0 ? {} : { count: rows.length, [key ?? '']: shown };
}
