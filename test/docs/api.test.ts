/** docs/ is what the definitions of the commands say. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { documents } from '../../api/documents.ts';
import { COMMANDS, DOORS } from '../../api/registry.ts';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';
import { openLab } from '../api/lab.ts';

const read = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');
const version = async (): Promise<string> =>
  (JSON.parse(await read('package.json')) as { version: string }).version;

test.each(['openapi.json', 'api.md'] as const)('docs/%s is as `npm run docs` writes it', async (name) => {
  const made = documents(await version())[name];
  if ((await read(`docs/${name}`)) !== made)
    throw new Error(`docs/${name} is not what it should be: npm run docs`);
});

test('docs/api.md has a section for every command, and no other', async () => {
  const sections = [...(await read('docs/api.md')).matchAll(/^### (\S+)$/gm)].map(([, name = '']) => name);
  expect(sections.toSorted()).toEqual([...COMMANDS, ...DOORS].map(({ name }) => name).toSorted());
});

describe('the OpenAPI document', () => {
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
    document = JSON.parse(documents(await version())['openapi.json']) as Document;
  });

  test('has a path for every command; login by POST only', () => {
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [...COMMANDS, ...DOORS].map(({ name }) => `/client/api?command=${name}`).toSorted(),
    );
    const posts = Object.values(document.paths).filter(({ get }) => get === undefined);
    expect(posts.map(({ post }) => post.operationId)).toEqual(['loginByPost']);
  });

  test('refers to nothing that is not there, and each schema is one', () => {
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

test('both are served, without a signature, and the page has neither scripts nor styles', async () => {
  const lab = await openLab();
  try {
    const json = await lab.server.inject('/client/api/openapi.json');
    expect(json.headers['content-type']).toContain('application/json');
    expect(json.body).toBe(documents('0.0.0')['openapi.json']);
    const html = await lab.server.inject('/client/api/docs');
    expect(html.headers['content-type']).toContain('text/html');
    expect(html.headers['content-security-policy']).toContain("default-src 'none'");
    expect(html.body).toContain('<h3>registerTemplate</h3>');
    expect(html.body).not.toMatch(/<(?:script|style|img|link)|\bon\w+=|javascript:/i);
  } finally {
    await lab.close();
  }
});
