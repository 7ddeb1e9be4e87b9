import { openAtRest } from '../../trust/sealing.ts';
import { openLab } from './lab.ts';
import type { Json, Lab } from './lab.ts';
import { inputs, template } from './registering.ts';

/** What went to the workflow, opened. */
const secrets = async ({ masterKey, orchestration }: Lab): Promise<Json> =>
  openAtRest(masterKey, orchestration.of('register')[0].sealed as string);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

describe('secrets', () => {
  test('14 and 15: headers in both spellings and at every index; the rest is no header', async () => {
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

  test('credentials leave the URL', async () => {
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

  test('they are in no answer, no row but sealed, and no other field of the workflow', async () => {
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
