/**
 * Runs `virsh`, by which a host reaches libvirt: a vector of arguments, never a shell; a time-out for each command; limited
 * output; no input but XML. Programs get a fixed environment, since libvirt writes its errors in the language of LC_ALL, and
 * errors.ts reads them.
 *
 * Arguments are literals of this folder, validated ids, and settings of the host. Several commands for one program are one
 * argument, a line that virsh itself takes apart, of words that need no quotes. XML is no argument, since everybody on a
 * host can list the arguments of its processes: virsh reads it from `/dev/stdin`. Node's pipes are sockets, which cannot be
 * opened by that name, so the XML is in a file whose name is gone before virsh runs.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../model/failures.ts';
import { libvirtError } from './errors.ts';
import { runProgram } from './program.ts';
import type { ProgramCall, ProgramEnd } from './program.ts';

export interface VirshOptions {
  /** As `qemu:///system`. */
  readonly uri: string;
  /** Name or path of the program. Default virsh. */
  readonly program?: string;
  /** Milliseconds that a command may take, unless it says otherwise. Default 30 000. */
  readonly timeoutMs?: number;
}

export interface VirshCall {
  /** XML that the command reads from `XML_INPUT`. */
  readonly xml?: string;
  readonly timeoutMs?: number;
  /** Ends the command. */
  readonly signal?: AbortSignal;
}

export interface Virsh {
  readonly uri: string;
  /**
   * Runs one command. @returns what it wrote to its standard output
   * @throws ImageError HypervisorMissing, HypervisorSilent, DomainAbsent, or what libvirt's error means; the signal's reason
   * when aborted
   */
  run(command: readonly string[], call?: VirshCall): Promise<string>;
  /**
   * Runs commands one after the other by one program, which spares starts of programs and connections. After a command that
   * failed the later ones still run: only for those that then do nothing.
   * @returns what each wrote to its standard output
   * @throws ImageError as `run`, for the first that failed
   */
  runAll(commands: readonly (readonly string[])[], call?: VirshCall): Promise<readonly string[]>;
  /**
   * As `runAll`, for commands of which each may fail by itself; `MAX_COMMANDS` of them at most.
   * @returns what each wrote to its standard output, or its failure
   * @throws ImageError when virsh itself cannot run or gives no answer; the signal's reason when aborted
   */
  runEach(
    commands: readonly (readonly string[])[],
    call?: VirshCall,
  ): Promise<readonly (string | ImageError)[]>;
  /**
   * Runs a command that goes on, such as `event --loop`, and hands on each line of its output.
   * @returns when the signal ended the command
   * @throws ImageError as `run`, when the command ended by itself
   */
  follow(
    command: readonly string[],
    onLine: (line: string) => void,
    call: { readonly signal: AbortSignal },
  ): Promise<void>;
}

/** How many commands `runEach` takes: the errors of more might be cut off by the limit of what is read. */
export const MAX_COMMANDS = 32;

/** In a command: the XML of its call. */
export const XML_INPUT = '/dev/stdin';

const TIMEOUT_MS = 30_000;

export function createVirsh(options: VirshOptions): Virsh {
  const { uri, program = 'virsh', timeoutMs: usualMs = TIMEOUT_MS } = options;
  const execute = async (command: readonly string[], call: ProgramCall): Promise<Exit> => {
    const end = await runProgram(program, ['--quiet', '--connect', uri, ...command], call);
    if (end.how === 'absent')
      throw new ImageError('HypervisorMissing', `the program ${program} is not installed`);
    if (end.how === 'late') throw silent(`it was waited for during ${(call.timeoutMs ?? 0) / 1000} s`);
    // A libvirtd that ends while virsh writes to it ends virsh by SIGPIPE: nobody knows what became of the command.
    if (typeof end.code === 'string') throw silent(`virsh was ended by ${end.code}`);
    return end;
  };
  const start = async (command: readonly string[], call: ProgramCall): Promise<string> => {
    const { code, output, errors } = await execute(command, call);
    if (code === 0) return output;
    throw libvirtError(errors === '' ? endedWith(code) : errors);
  };
  const runEach: Virsh['runEach'] = async (commands, { xml, timeoutMs = usualMs, signal } = {}) => {
    const mark = randomUUID();
    const line = commands.map(lineOf).join(`; echo ${mark}; echo --err ${mark}; `);
    const end = await withInput(xml, (input) => execute([line], { timeoutMs, signal, input: input?.fd }));
    const errors = end.errors.split(`error: ${mark}\n`);
    const hasErrors = errors.some((said) => ERROR.test(said));
    if (end.code !== 0 && !hasErrors) throw libvirtError(endedWith(end.code));
    const output = end.output.split(mark);
    return commands.map((_, index) => {
      const said = errors[index] ?? '';
      return ERROR.test(said) ? libvirtError(said) : (output[index] ?? '');
    });
  };
  return {
    uri,
    run: (command, { xml, timeoutMs = usualMs, signal } = {}) =>
      withInput(xml, (input) => start(command, { timeoutMs, signal, input: input?.fd })),
    async runAll(commands, call) {
      const ended = await runEach(commands, call);
      return ended.map((one) => {
        if (one instanceof ImageError) throw one;
        return one;
      });
    },
    runEach,
    async follow(command, onLine, { signal }) {
      try {
        await start(command, { signal, onLine });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      if (!signal.aborted) throw silent('its report of events ended');
    },
  };
}

type Exit = Extract<ProgramEnd, { readonly how: 'exit' }>;

/** A line that virsh writes when a command fails. */
const ERROR = /^error:/m;

const endedWith = (code: Exit['code']): string => `virsh ended with ${code}`;

/** What virsh takes for one word, and for nothing else, wherever it is in a line of commands. */
const PLAIN_WORD = /^[\w./-]+$/;

/** A command in a line of several. @throws TypeError for words that would need quotes */
function lineOf(command: readonly string[]): string {
  const wrong = command.find((word) => !PLAIN_WORD.test(word));
  if (wrong !== undefined) throw new TypeError(`No word of a line of commands for virsh: ${wrong}`);
  return command.join(' ');
}

/** Gives the descriptor of a file with this content, which has no name. */
async function withInput<T>(xml: string | undefined, work: (input?: FileHandle) => Promise<T>): Promise<T> {
  if (xml === undefined) return work();
  const path = join(tmpdir(), `.bypass-${randomUUID()}.xml`);
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await unlink(path);
    await file.write(xml, 0);
    return await work(file);
  } finally {
    await file.close();
  }
}

const silent = (what: string): ImageError =>
  new ImageError('HypervisorSilent', `libvirt gives no answer: ${what}`);
