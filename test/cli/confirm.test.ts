import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, pools, template } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const ubuntu = template('ubuntu');
let api: ApiServer;
beforeEach(async () => {
  api = await startApi(fleet({ templates: [ubuntu], progress: () => 1 }));
});
afterEach(() => api.close());

const run = (line: string, options?: RunOptions): Promise<Ran> => bypass(api, line.split(' '), options);

describe('an action that cannot be undone', () => {
  const DELETIONS = [
    ['template delete ubuntu', 'deleteTemplate'],
    ['deploy remove ubuntu --pool local-1', 'cancelTemplateDeployment'],
    ['host remove kvm-2', 'deleteHost'],
    ['zone delete zone-1', 'deleteZone'],
    ['cluster delete rack-1', 'deleteCluster'],
  ] as const;
  beforeEach(async () => {
    api.answer(
      Object.fromEntries(DELETIONS.map(([, command]) => [command, () => ({ success: true, jobid: 'j' })])),
    );
    await run('deploy start ubuntu --pool local-1');
  });

  test.each(DELETIONS)('%s asks at a terminal, and no is the default', async (line, command) => {
    const { code, stderr } = await run(line, { answer: '' });
    expect({ code, called: api.called(command) }).toEqual({ code: 1, called: [] });
    expect(stderr).toMatch(
      /^[A-Z][^\n]+\? \[y\/N\] \nbypass: nothing was done; --yes does it without a question\n$/,
    );
    expect((await run(line, { answer: 'yes' })).code).toBe(0);
    expect((await run(`${line} --yes`, { answer: 'no' })).code).toBe(0);
    expect(api.called(command)).toHaveLength(2);
  });

  test.each(DELETIONS)('%s asks nobody in a script', async (line, command) => {
    expect(await run(line)).toMatchObject({ code: 0, stderr: '' });
    expect(api.called(command)).toHaveLength(1);
  });

  test('by deploy remove removes one copy from one pool', async () => {
    api.answer({ cancelTemplateDeployment: () => ({ success: true, displaytext: 'Cancelled on local-1' }) });
    const { stdout, stderr } = await run('deploy remove ubuntu --pool local-1', { answer: 'y' });
    expect(stderr).toBe('Remove ubuntu (Ready, 2.0 GiB) from pool local-1? [y/N] y\n');
    expect(stdout).toBe('Cancelled on local-1\n');
    expect(api.called('cancelTemplateDeployment').at(-1)).toMatchObject({
      storageid: pools[0].id,
      cleanup: 'true',
    });
  });

  test('names in its question the copies that are removed with a template', async () => {
    const { stderr } = await run('template delete ubuntu', { answer: 'n' });
    expect(stderr).toContain('Delete template ubuntu and its 1 copy (local-1)? [y/N] ');
  });
});
