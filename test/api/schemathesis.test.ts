/** In full runs: schemathesis makes calls from the OpenAPI document, and compares the answers with it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { needingSchemathesis, schemathesisPython } from '../support/pypi.ts';
import type { Python } from '../support/pypi.ts';
import { addHost, openLab, poolReport } from './lab.ts';
import type { Json, Lab } from './lab.ts';

const run = promisify(execFile);
const PROGRAM = 'from schemathesis.cli import schemathesis; schemathesis()';
const CHECKS = [
  'not_a_server_error',
  'response_schema_conformance',
  'content_type_conformance',
  'status_code_conformance',
];
const EXAMPLES = '10';
const RUN_MS = 1_200_000;

needingSchemathesis('schemathesis', () => {
  let lab: Lab;
  let folder: string;
  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(join(tmpdir(), 'bypass-schemathesis-'));
    await addHost(lab, { name: 'host1', pools: [poolReport('pool1')] });
    await lab.template(lab.user);
    await lab.server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  test.each(['root', 'alice'])(
    '%s: every answer is as documented, and no fault',
    async (username) => {
      const { command, env } = schemathesisPython() as Python;
      const url = lab.server.listeningOrigin;
      const { cookie, key } = await logIn(url, username);
      const config = join(folder, `${username}.toml`);
      await writeFile(config, `[parameters]\n"query.sessionkey" = "${key}"\n`);
      const options = ['--checks', CHECKS.join(','), '--phases', 'coverage,fuzzing', '-n', EXAMPLES];
      const limits = ['--max-response-time', '10', '--exclude-path-regex', 'log(in|out)$', '--no-color'];
      const args = ['--config-file', config, 'run', `${url}/client/api/openapi.json`, '--url', url];
      const { stdout } = await run(
        command,
        ['-c', PROGRAM, ...args, '-H', `Cookie: ${cookie}`, ...options, ...limits],
        { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 26, timeout: RUN_MS },
      );
      const [, made, passed] = /(\d+) generated, (\d+) passed/.exec(stdout) ?? [];
      expect(Number(made)).toBeGreaterThan(1000);
      expect(passed).toBe(made);
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
