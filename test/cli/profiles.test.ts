import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../cli/environment.ts';
import { exitCodes } from '../../cli/errors.ts';
import { chooseAccess, loadProfiles, saveProfile } from '../../cli/profiles.ts';

const URL = 'http://127.0.0.1:8080/client/api';
const profile = { url: URL, apiKey: 'key', secretKey: 'secret' };

let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bypass-profiles-'));
  file = join(home, 'bypass', 'config.json');
});
afterEach(() => rm(home, { recursive: true }));

const environment = (more: NodeJS.ProcessEnv = {}) => readEnvironment({ XDG_CONFIG_HOME: home, ...more });

test('a saved profile becomes the current one, other profiles stay, and only the owner can read the file', async () => {
  await saveProfile(file, 'prod', { ...profile, apiKey: 'other' });
  await saveProfile(file, 'dev', profile);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await loadProfiles(file)).toEqual({
    current: 'dev',
    profiles: { prod: { ...profile, apiKey: 'other' }, dev: profile },
  });
  expect(await chooseAccess(environment())).toMatchObject(profile);
  expect(await chooseAccess(environment(), 'prod')).toMatchObject({ apiKey: 'other' });
});

test('a file that others can read is replaced by one for its owner only', async () => {
  await saveProfile(file, 'dev', profile);
  await writeFile(file, await readFile(file), { mode: 0o644 });
  await saveProfile(file, 'dev', profile);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('the environment overrides each part of a profile', async () => {
  await saveProfile(file, 'dev', profile);
  expect(await chooseAccess(environment({ BYPASS_SECRET_KEY: 's2' }))).toMatchObject({
    apiKey: 'key',
    secretKey: 's2',
    origin: `profile dev of ${file}`,
    keysOrigin: `BYPASS_SECRET_KEY and profile dev of ${file}`,
  });
  expect(await chooseAccess(environment({ BYPASS_URL: 'http://api' }))).toMatchObject({
    origin: 'BYPASS_URL',
    keysOrigin: `profile dev of ${file}`,
  });
  const all = { BYPASS_URL: 'http://api', BYPASS_API_KEY: 'a', BYPASS_SECRET_KEY: 'b' };
  expect(await chooseAccess(environment(all))).toEqual({
    url: 'http://api/client/api',
    apiKey: 'a',
    secretKey: 'b',
    origin: 'BYPASS_URL',
    keysOrigin: 'BYPASS_API_KEY and BYPASS_SECRET_KEY',
  });
});

test('without XDG_CONFIG_HOME the file is in the home folder', () => {
  expect(readEnvironment({ HOME: '/home/u' }).profileFile).toBe('/home/u/.config/bypass/config.json');
});

test('a missing or wrong setting is refused with a sentence that says what to do', async () => {
  await expect(chooseAccess(environment())).rejects.toMatchObject({
    message: expect.stringContaining('npm start') as string,
    exitCode: exitCodes.unreachable,
  });
  await expect(chooseAccess(environment({ BYPASS_URL: URL }))).rejects.toThrow('no keys for the api');
  await expect(
    chooseAccess(environment({ BYPASS_URL: 'api.example.org', BYPASS_API_KEY: 'a', BYPASS_SECRET_KEY: 'b' })),
  ).rejects.toMatchObject({
    message: expect.stringContaining('BYPASS_URL') as string,
    exitCode: exitCodes.usage,
  });
  await saveProfile(file, 'dev', profile);
  await expect(chooseAccess(environment(), 'prod')).rejects.toThrow(/no profile 'prod' .*there are: dev/);
  await writeFile(file, '{"profiles": 7}');
  await expect(chooseAccess(environment())).rejects.toThrow(`${file} is not a file of profiles`);
  await writeFile(file, '{"profiles": {"dev": {"apiKey": 7}}}');
  await expect(chooseAccess(environment())).rejects.toThrow(`${file} is not a file of profiles`);
  await writeFile(file, 'not JSON');
  await expect(chooseAccess(environment())).rejects.toThrow(`${file} is not a file of profiles`);
});
