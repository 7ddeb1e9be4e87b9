import { templateSecrets } from '../../db/templates/secrets.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';
import { inputs, template } from './registering.ts';

/** The unsealed secrets of the registered template. */
const secrets = (given: Lab): Promise<Json> =>
  templateSecrets(given, given.orchestration.of('register')[0].templateId as string);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

describe('secrets', () => {
  test('14 and 15: headers are recognized in both spellings and at every index; other details are no headers', async () => {
    const { template: entries, count } = await lab.user.ok(
      'registerTemplate',
      template(lab, {
        'details[0].HTTP_HEADER:X-First': 'first secret',
        'details[0].cpu.corespersocket': '2',
        'details[3].HTTP_HEADER': 'Authorization: Bearer second:secret',
        'details[7].http_header:X-Third': 'third secret',
        'details[8].key': 'HTTP_HEADER:X-Fourth',
        'details[8].value': 'fourth secret',
        'details[9].Keyboard': 'de',
      }),
    );
    expect(count).toBe(1);
    expect(await secrets(lab)).toEqual({
      v: 1,
      origin: 'https://images.example.org',
      headers: [
        { name: 'X-First', value: 'first secret' },
        { name: 'Authorization', value: 'Bearer second:secret' },
        { name: 'X-Third', value: 'third secret' },
        { name: 'X-Fourth', value: 'fourth secret' },
      ],
    });
    expect(inputs(lab)[0].details).toEqual({ 'cpu.corespersocket': '2', Keyboard: 'de' });
    expect(entries[0].details).toEqual({ 'cpu.corespersocket': '2', Keyboard: 'de' });
  });

  test('credentials are taken out of the URL', async () => {
    const url = 'https://user%40home:p%3Aw@images.example.org:8443/debian.qcow2';
    const { template: entries } = await lab.user.ok('registerTemplate', template(lab, { url }));
    expect(entries[0].url).toBe('https://images.example.org:8443/debian.qcow2');
    expect(inputs(lab)[0].url).toBe('https://images.example.org:8443/debian.qcow2');
    expect(await secrets(lab)).toEqual({
      v: 1,
      origin: 'https://images.example.org:8443',
      headers: [],
      username: 'user@home',
      password: 'p:w',
    });
  });

  test('the query of a URL, which may be a token, is sealed and shown nowhere', async () => {
    const url = 'https://images.example.org/debian.qcow2?X-Amz-Signature=token';
    const shown = 'https://images.example.org/debian.qcow2?…';
    const asked = template(lab, { url, customid: 'presigned' });
    const { template: entries } = await lab.user.ok('registerTemplate', asked);
    expect([entries[0].url, inputs(lab)[0].url]).toEqual([shown, shown]);
    expect(await secrets(lab)).toMatchObject({ origin: 'https://images.example.org', headers: [], url });
    const { id } = entries[0];
    await lab.user.ok('updateTemplate', { id, cleanupdetails: true });
    expect(await secrets(lab)).toMatchObject({ url });
    expect((await lab.user.ok('registerTemplate', asked)).template[0].id).toBe(id);
    const other = await lab.user.call('registerTemplate', { ...asked, url: `${url}2` });
    expect([other.status, other.inner.errortext]).toEqual([431, expect.stringContaining('was used before')]);
    const again = await lab.user.call('registerTemplate', template(lab, { url: shown }));
    expect([again.status, again.inner.errortext]).toEqual([
      431,
      expect.stringContaining('give the whole URL'),
    ]);
    const reply = await lab.user.call('extractTemplate', { id, mode: 'HTTP_DOWNLOAD' });
    expect([reply.status, reply.inner.errortext]).toEqual([431, expect.stringContaining('may hold a token')]);
  });

  test('secrets appear in no answer, in the database only sealed, and in no other field of the workflow', async () => {
    const word = 'pssst';
    const { text, inner } = await lab.user.call(
      'registerTemplate',
      template(lab, {
        url: `https://${word}1:${word}2@images.example.org/a`,
        'details[0].HTTP_HEADER:X-Token': `${word}3`,
        'details[1].HTTP_HEADER': `Cookie:${word}4`,
      }),
    );
    expect(text).not.toContain(word);
    const { id } = inner.template[0];
    const asked = [
      ['listTemplates', { templatefilter: 'self', id }],
      ['listTemplates', { templatefilter: 'self', details: 'all' }],
      ['listEvents', {}],
    ] as const;
    for (const [command, parameters] of asked) {
      expect((await lab.user.call(command, parameters)).text).not.toContain(word);
    }
    await lab.user.ok('deleteTemplate', { id });
    expect(JSON.stringify(lab.orchestration.asked)).not.toContain(word);
    expect(lab.orchestration.of('register')[0]).not.toHaveProperty('sealed');
    for (const table of [
      'vm_template',
      'vm_template_details',
      'template_store_ref',
      'event',
      'async_job',
    ] as const) {
      const rows = await lab.db.selectFrom(table).selectAll().execute();
      expect(JSON.stringify(rows)).not.toContain(word);
    }
  });
});
