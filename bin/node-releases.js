/** Releases of Node from npm: for tests on each, and for what is to run by a certain one. */
import { join } from 'node:path';
import { fetchPackage } from './fetch-package.js';

/** What Bypass must work on: the oldest that it names, and those after it with long-term support. The last is for production. */
export const NODES = ['20.19.0', '22.23.5', '24.22.3'];

/**
 * @param {string} cache folder
 * @param {string} version
 * @returns {string} the program
 * @throws Error that says why npm could not get it
 */
export const fetchNode = (cache, version) =>
  join(fetchPackage(cache, `node-${process.platform}-${process.arch}`, version), 'bin', 'node');
