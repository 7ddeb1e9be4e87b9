/** The documentation that the api serves: an OpenAPI document, and a reference for people. */
import type { FastifyInstance } from 'fastify';
import { answerTypes } from './answer-types.ts';
import type { Installation } from './command.ts';
import { API_PATH, openApi } from './openapi.ts';
import { contentPolicy } from './page.ts';
import { markdownReference } from './reference.ts';
import { DOCS_PATH, DOCS_STYLE, DOCS_STYLE_PATH, referencePage } from './reference-page.ts';
import { COMMANDS, PUBLIC_COMMANDS } from './registry.ts';

const DOCUMENTED = [...COMMANDS, ...PUBLIC_COMMANDS].toSorted((a, b) => (a.name < b.name ? -1 : 1));

type DocumentName = 'docs/openapi.json' | 'docs/api.md' | 'model/api-answers.ts';

/** The OpenAPI document as text. */
export const openApiText = (version: string): string => textOf(openApi(DOCUMENTED, version));

const textOf = (document: ReturnType<typeof openApi>): string =>
  `${JSON.stringify(document, undefined, 2)}\n`;

/** The contents of the generated files, by their path in the repository. */
export function documents(version: string): Readonly<Record<DocumentName, string>> {
  const document = openApi(DOCUMENTED, version);
  return {
    'docs/openapi.json': textOf(document),
    'docs/api.md': markdownReference(DOCUMENTED),
    'model/api-answers.ts': answerTypes(document),
  };
}

const SEARCH_LENGTH = 100;

export function addDocuments(server: FastifyInstance, { version }: Installation): void {
  const json = openApiText(version);
  const pageOf = referencePage(DOCUMENTED);
  server.get(`${API_PATH}/openapi.json`, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(json),
  );
  server.get(DOCS_PATH, (request, reply) => {
    const [, query = ''] = /\?(.*)$/s.exec(request.raw.url ?? '') ?? [];
    const search = new URLSearchParams(query).get('q')?.slice(0, SEARCH_LENGTH) ?? '';
    return reply
      .header('content-security-policy', contentPolicy())
      .type('text/html; charset=utf-8')
      .send(pageOf(search));
  });
  server.get(DOCS_STYLE_PATH, (_request, reply) => reply.type('text/css; charset=utf-8').send(DOCS_STYLE));
}
