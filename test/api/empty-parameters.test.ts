/** An empty parameter either clears a value or is refused by its name; none is ignored. */
import type { Parameter } from '../../api/fields/parameters.ts';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { ApiError } from '../../api/server/errors.ts';
import { readParameters } from '../../api/server/request.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

function readEmpty(name: string, parameter: Parameter<unknown>): unknown {
  try {
    return parameter.read(name, readParameters(`${name}=`));
  } catch (error) {
    return error;
  }
}

/** One test for all parameters of a command: as tests of their own they would take the longest time of this file. */
test.each([...COMMANDS, ...PUBLIC_COMMANDS])('$name with each parameter empty', ({ parameters }) => {
  for (const [name, parameter] of Object.entries(parameters)) {
    const outcome = readEmpty(name, parameter);
    const empty = parameter.required && parameter.mayBeEmpty !== true ? [] : ['', []];
    if (outcome instanceof ApiError) {
      const refusal = [431, expect.stringContaining(`Parameter ${name} `)];
      expect([outcome.code, outcome.message]).toEqual(refusal);
    } else {
      expect(empty.map((value) => [name, value])).toContainEqual([name, outcome]);
    }
  }
});

describe('an empty value clears', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());

  interface Cleared {
    readonly id: string;
    readonly command: string;
    readonly given: Parameters;
    readonly emptied: Parameters;
    readonly left: Json;
  }

  const cases: Readonly<Record<string, () => Promise<Cleared>>> = {
    'tags of a storage pool': async () => {
      const pool = poolReport('tagged');
      await addHost(lab, { name: 'kvm-1', pools: [pool] });
      return {
        id: pool.id,
        command: 'updateStoragePool',
        given: { tags: 'ssd,fast' },
        emptied: { tags: '' },
        left: expect.not.objectContaining({ tags: expect.anything() }),
      };
    },
    'tag and description of a template': async () => ({
      id: (await lab.template(lab.admin)).templateId,
      command: 'updateTemplate',
      given: { templatetag: 'golden', displaytext: 'a description' },
      emptied: { templatetag: '', displaytext: '' },
      left: expect.not.objectContaining({ templatetag: expect.anything(), displaytext: 'a description' }),
    }),
    'what is known of a user': async () => ({
      id: lab.user.userUuid,
      command: 'updateUser',
      given: { email: 'alice@example.org', firstname: 'Alice', lastname: 'Example', timezone: 'UTC' },
      emptied: { email: '', firstname: '', lastname: '', timezone: '' },
      left: expect.not.objectContaining({ email: expect.anything(), firstname: expect.anything() }),
    }),
    'what is known of a zone': async () => ({
      id: lab.zone.uuid,
      command: 'updateZone',
      given: { dns1: '192.0.2.1', domain: 'example.org', guestcidraddress: '10.1.1.0/24' },
      emptied: { dns1: '', domain: '', guestcidraddress: '' },
      left: expect.not.objectContaining({ dns1: expect.anything(), domain: expect.anything() }),
    }),
  };

  test.each(Object.entries(cases))('%s', async (_what, prepare) => {
    const { id, command, given, emptied, left } = await prepare();
    expect(Object.values(await lab.admin.ok(command, { id, ...given }))[0]).toMatchObject(given);
    expect(Object.values(await lab.admin.ok(command, { id, ...emptied }))[0]).toEqual(left);
  });

  test('the list of ports of a setting', async () => {
    const name = 'direct.download.url.deny.ports';
    await lab.admin.ok('updateConfiguration', { name, value: '81' });
    const { configuration } = await lab.admin.ok('updateConfiguration', { name, value: '' });
    expect(configuration.value).toBe('');
  });
});
