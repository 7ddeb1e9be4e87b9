/**
 * Loads modules for test files. Packages of npm, those of Jest too, are loaded once for all test files of a worker, as Node
 * loads them. The project's own modules are compiled once, and evaluated anew for each file, so that no file sees the state
 * of another. Both need environment.cjs, in which all files of a worker have one realm.
 */
const { createRequire } = require('node:module');
const { sep } = require('node:path');
const { compileFunction } = require('node:vm');
const { default: JestRuntime } = require('jest-runtime');

const PACKAGES = `${sep}node_modules${sep}`;

/** File → its source after transformation, and the function that evaluates it. */
const compiled = new Map();

class Runtime extends JestRuntime {
  constructor(...args) {
    super(...args);
    const { executor } = this;
    executor.compile = (source, filename) => compile(source, filename, executor.injectedModuleParameters);
  }

  requireModuleOrMock(from, name) {
    return isPackage(name) && !from.includes(PACKAGES)
      ? createRequire(from)(name)
      : super.requireModuleOrMock(from, name);
  }

  /** The one module without a name is Jest's runner, which has the state of a file. */
  requireInternalModule(from, name) {
    return name === undefined ? super.requireInternalModule(from) : createRequire(from)(name);
  }
}

function compile(source, filename, parameters) {
  const known = compiled.get(filename);
  if (known?.source === source) return known.evaluate;
  const evaluate = compileFunction(source, parameters, { filename });
  compiled.set(filename, { source, evaluate });
  return evaluate;
}

/** `@jest/globals` belongs to the test file. */
const isPackage = (name) => /^@?[a-z]/.test(name) && name !== '@jest/globals';

module.exports = Runtime;
