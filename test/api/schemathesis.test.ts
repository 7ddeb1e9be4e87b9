/** In full runs only: schemathesis generates calls from the OpenAPI document, and checks the answers against it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { needingSchemathesis, schemathesisPython } from '../support/pypi.ts';
import type { Python } from '../support/pypi.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

const run = promisify(execFile);
const PROGRAM = 'from schemathesis.cli import schemathesis; schemathesis()';
/** The test counts internal faults itself: schemathesis takes every code from 530 on for one. */
const CHECKS = ['response_schema_conformance', 'content_type_conformance', 'status_code_conformance'];
const EXAMPLES = '10';
/** After covering all commands, the remaining calls use random values. */
const SECONDS = 80;
const RUN_MS = 2 * SECONDS * 1000;

needingSchemathesis('schemathesis', () => {
  let lab: Lab;
  let folder: string;
  const faults: string[] = [];
  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'bypass-schemathesis-'));
    await addHost(lab, { name: 'host1', pools: [poolReport('pool1')] });
    await lab.template(lab.user);
    lab.server.addHook('onResponse', async ({ url }, { statusCode }) => {
      if (statusCode === 500 || statusCode === 530) faults.push(`${statusCode} ${url}`);
    });
    await lab.server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  // A few calls show which commands are refused to a user.
  test.each([
    ['root', 'coverage,fuzzing'],
    ['alice', 'fuzzing'],
  ] as const)(
    'every answer to %s is as documented, and no internal fault',
    async (username, phases) => {
      const { command, env } = schemathesisPython() as Python;
      const url = lab.server.listeningOrigin;
      const { cookie, key } = await logIn(url, username);
      const config = join(folder, `${username}.toml`);
      await writeFile(config, `[parameters]\n"query.sessionkey" = "${key}"\n`);
      const options = ['--checks', CHECKS.join(','), '--phases', phases, '-n', EXAMPLES];
      const limits = [
        '--max-time',
        String(SECONDS),
        '--max-response-time',
        '10',
        '--exclude-path-regex',
        'log(in|out)$',
        '--no-color',
      ];
      const args = ['--config-file', config, 'run', `${url}/client/api/openapi.json`, '--url', url];
      const { stdout } = await run(
        command,
        ['-c', PROGRAM, ...args, '-H', `Cookie: ${cookie}`, ...options, ...limits],
        { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 26, timeout: RUN_MS },
      ).catch((error: unknown) => {
        // The findings are in the output of schemathesis.
        throw new Error(findingsOf((error as Json).stdout as string), { cause: error });
      });
      const [, made, passed] = /(\d+) generated, (\d+) passed/.exec(stdout) ?? [];
      expect(Number(made)).toBeGreaterThan(1000);
      expect(passed).toBe(made);
      expect(faults).toEqual([]);
    },
    RUN_MS,
  );
});

async function logIn(url: string, username: string): Promise<{ cookie: string; key: string }> {
  const body = new URLSearchParams({ command: 'login', username, password: 'a password' });
  const response = await fetch(`${url}/client/api`, { method: 'POST', body });
  const { loginresponse } = (await response.json()) as Json;
  const cookie = response.headers.getSetCookie().map((one) => one.split(';')[0]);
  return { cookie: cookie.join('; '), key: loginresponse.sessionkey as string };
}

/** The failures that schemathesis reports, without their very long values. */
const findingsOf = (output: string): string =>
  output
    .slice(Math.max(0, output.indexOf('= FAILURES =')))
    .split('\n')
    .map((line) => line.slice(0, 400))
    .join('\n')
    .slice(0, 20_000);
