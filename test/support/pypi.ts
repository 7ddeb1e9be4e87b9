/** Programs from PyPI that `npm test` installs into separate folders (see test/install.js). */
import { existsSync } from 'node:fs';
import { findProgram } from './programs.ts';

export interface Python {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Undefined when the installation failed, or when Jest was started without `npm test`. */
function pythonWith(variable: string): Python | undefined {
  const folder = process.env[variable];
  const command = findProgram('python3');
  if (folder === undefined || command === undefined || !existsSync(folder)) return undefined;
  return { command, env: { PYTHONPATH: folder } };
}

const needing = (python: Python | undefined): jest.Describe =>
  python === undefined ? describe.skip : describe;

export const csPython = (): Python | undefined => pythonWith('BYPASS_TEST_CS');
/** Installed for full runs only. */
export const schemathesisPython = (): Python | undefined => pythonWith('BYPASS_TEST_SCHEMATHESIS');

/** `describe`, or `describe.skip` where there is no `cs`. */
export const needingCs: jest.Describe = needing(csPython());
export const needingSchemathesis: jest.Describe = needing(schemathesisPython());
