/** What the API tells of itself: an OpenAPI document, and a reference to read. */
import type { FastifyInstance } from 'fastify';
import type { Installation } from './command.ts';
import { API_PATH, openApi } from './openapi.ts';
import { htmlReference, markdownReference } from './reference.ts';
import { COMMANDS, DOORS } from './registry.ts';

const DOCUMENTED = [...COMMANDS, ...DOORS].toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** The files of `docs/`, by name. */
export const documents = (version: string): Readonly<Record<'openapi.json' | 'api.md', string>> => ({
  'openapi.json': `${JSON.stringify(openApi(DOCUMENTED, version), undefined, 2)}\n`,
  'api.md': markdownReference(DOCUMENTED),
});

export function addDocuments(server: FastifyInstance, { version }: Installation): void {
  const json = documents(version)['openapi.json'];
  const html = htmlReference(DOCUMENTED);
  server.get(`${API_PATH}/openapi.json`, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(json),
  );
  server.get(`${API_PATH}/docs`, (_request, reply) => reply.type('text/html; charset=utf-8').send(html));
}
