/** The documentation of the API is generated from the definitions of the commands. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { documents } from '../../api/server/documents.ts';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { openLab } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';

const read = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');
const version = async (): Promise<string> =>
  (JSON.parse(await read('package.json')) as { version: string }).version;

test.each(['docs/openapi.json', 'docs/api.md', 'model/api-answers.ts'] as const)(
  '%s is as `npm run docs` writes it',
  async (path) => {
    if ((await read(path)) !== documents(await version())[path])
      throw new Error(`${path} is not what it should be: npm run docs`);
  },
);

test('docs/api.md has a section for every command, and no other', async () => {
  const sections = [...(await read('docs/api.md')).matchAll(/^### (\S+)$/gm)].map(([, name = '']) => name);
  expect(sections.toSorted()).toEqual([...COMMANDS, ...PUBLIC_COMMANDS].map(({ name }) => name).toSorted());
});

describe('includes the OpenAPI document', () => {
  interface Operation {
    readonly operationId: string;
    readonly parameters?: readonly { readonly name: string }[];
  }
  interface Document {
    readonly paths: Readonly<
      Record<string, { readonly get?: Operation; readonly post: Operation; readonly parameters: unknown }>
    >;
    readonly components: {
      readonly schemas: Readonly<Record<string, object>>;
    };
  }
  let document: Document;
  beforeAll(async () => {
    document = JSON.parse(documents(await version())['docs/openapi.json']) as Document;
  });

  test('has a path for every command, and for login only the POST', () => {
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [...COMMANDS, ...PUBLIC_COMMANDS].map(({ name }) => `/client/api?command=${name}`).toSorted(),
    );
    const posts = Object.values(document.paths).filter(({ get }) => get === undefined);
    expect(posts.map(({ post }) => post.operationId)).toEqual(['loginByPost']);
  });

  test('has only references that resolve, and valid schemas', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path);
    expect(refs.length).toBeGreaterThan(100);
    for (const path of new Set(refs)) {
      const found = (path ?? '')
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect({ path, found: found !== undefined }).toEqual({ path, found: true });
    }
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: FORMATS });
    for (const [name, schema] of Object.entries(document.components.schemas))
      expect([name, ajv.validateSchema(schema)]).toEqual([name, true]);
  });
});

const FORMATS = { uuid: true, int32: true, int64: true } as const;

describe('the documentation that the api serves without a signature', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());

  test('the OpenAPI document', async () => {
    const json = await lab.server.inject('/client/api/openapi.json');
    expect(json.headers['content-type']).toContain('application/json');
    expect(json.body).toBe(documents('0.0.0')['docs/openapi.json']);
  });

  test('includes a page with styles of its own, without scripts and without foreign resources', async () => {
    const { headers, body } = await lab.server.inject('/client/api/docs');
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self';",
    );
    expect(body).toContain('<h3>registerTemplate</h3>');
    expect(body).not.toMatch(/<(?:script|style|img)|\bon\w+=|javascript:|style=/i);
    expect([...body.matchAll(/<link [^>]*>/g)].map(([link]) => link)).toEqual([
      '<link rel="stylesheet" href="/client/api/docs/style.css">',
    ]);
    expect(body).not.toMatch(/(?:href|src|action)="(?:https?:|\/\/)/);
    const style = await lab.server.inject('/client/api/docs/style.css');
    expect([style.statusCode, style.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
    expect(style.body).not.toMatch(/url\(|@import/);
  });

  test('has an index that leads to every command', async () => {
    const { body } = await lab.server.inject('/client/api/docs');
    const ids = new Set([...body.matchAll(/<section id="(\w+)">/g)].map(([, id]) => id));
    const links = [...body.matchAll(/<li><a href="#(\w+)">/g)].map(([, id = '']) => id);
    expect(links.toSorted()).toEqual([...COMMANDS, ...PUBLIC_COMMANDS].map(({ name }) => name).toSorted());
    expect(links.filter((id) => !ids.has(id))).toEqual([]);
  });

  test.each([
    ['deletezone', ['deleteZone']],
    ['hosttags update', ['updateServiceOffering', 'updateHost']],
    ['no such thing', []],
  ])('a search for %s finds by name, parameter and field', async (search, expected) => {
    const { body } = await lab.server.inject(`/client/api/docs?q=${encodeURIComponent(search)}`);
    expect([...body.matchAll(/<section id="(\w+)">/g)].map(([, id]) => id)).toEqual(expected);
    expect(body).toContain(`value="${search}"`);
  });

  test('lists commands with the word in their name first', async () => {
    const { body } = await lab.server.inject('/client/api/docs?q=domain');
    const found = [...body.matchAll(/<section id="(\w+)">/g)].map(([, id]) => id);
    expect([found.length > 10, found[0]]).toEqual([true, 'listDomains']);
  });

  test('escapes the searched text', async () => {
    const { body } = await lab.server.inject(
      `/client/api/docs?q=${encodeURIComponent('"><script>alert(1)</script>')}`,
    );
    expect(body).not.toContain('<script');
    expect(body).toContain('&quot;&gt;&lt;script&gt;');
  });
});
