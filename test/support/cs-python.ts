/** The PyPI client `cs`, which `npm test` lays into a folder of its own (see test/install.js). */
import { existsSync } from 'node:fs';
import { findProgram } from './programs.ts';

export interface CsPython {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Undefined where it could not be installed, or where Jest was started without `npm test`. */
export function csPython(): CsPython | undefined {
  const folder = process.env['BYPASS_TEST_CS'];
  const command = findProgram('python3');
  if (folder === undefined || command === undefined || !existsSync(folder)) return undefined;
  return { command, env: { PYTHONPATH: folder } };
}

/** `describe`, or `describe.skip` where there is no `cs`. */
export const needingCs: jest.Describe = csPython() === undefined ? describe.skip : describe;
