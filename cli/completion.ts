/**
 * Writes completion scripts for shells. Nouns, verbs and options come from the definitions of the commands and are part of
 * the script. Names of existing things, such as templates, are not: for these the script runs `bypass complete-names`.
 */
import type { Command } from 'commander';
import { NAMED_KINDS } from './completion-names.ts';

/** The hidden command that prints the names of a kind for the scripts. */
export const NAMES_COMMAND = 'complete-names';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly text: string;
  readonly summary: string;
  /** The short form of an option. */
  readonly short?: string | undefined;
  /** The words that an option takes as its value; empty when it takes any text. */
  readonly choices: readonly string[];
  /** The kind of thing whose name an option takes. */
  readonly kind?: string | undefined;
}

interface CompletionPoint {
  /** The nouns and verbs typed after `bypass`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** The kinds of things whose names the command takes as arguments. */
  readonly kinds: readonly string[];
}

export function completionScript(program: Command, shell: Shell): string {
  const points = pointsOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](points);
}

function pointsOf(command: Command, path: readonly string[] = []): readonly CompletionPoint[] {
  const words = [
    ...command.commands
      .filter((sub) => sub.name() !== NAMES_COMMAND)
      .map((sub) => ({ text: sub.name(), summary: sub.summary(), choices: [] })),
    ...command.options.flatMap(({ short, long, flags, description, hidden, argChoices = [] }) =>
      long === undefined || long === null || hidden
        ? []
        : [{ text: long, summary: description, short, choices: argChoices, kind: kindIn(flags) }],
    ),
  ];
  const kinds = command.registeredArguments.map((argument) => argument.name()).filter(isKind);
  return [
    { path: path.join(' '), words, kinds },
    ...command.commands.flatMap((sub) => pointsOf(sub, [...path, sub.name()])),
  ];
}

const isKind = (name: string): boolean => NAMED_KINDS.includes(name);

/** The kind in `--pool <pool>`, or in `--pool <pools>`, which takes several. */
function kindIn(flags: string): string | undefined {
  const [, name = ''] = /<([a-z]+)>$/.exec(flags) ?? [];
  return [name, name.replace(/s$/, '')].find(isKind);
}

const textsOf = ({ words }: CompletionPoint): string => words.map(({ text }) => text).join(' ');

/** The script finds the path by reading the words before the cursor, without options. */
const BASH_PATH = `  local path="" word kind choices="$(_bypass_choices "\${COMP_WORDS[COMP_CWORD-1]}")"
  if [ "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [ "$(_bypass_words "\${path:+$path }$word")" ] && path="\${path:+$path }$word" ;; esac
  done
  choices="$(_bypass_words "$path")"
  case "\${COMP_WORDS[COMP_CWORD]}" in -*) ;; *)
    for kind in $(_bypass_kinds "$path"); do choices="$choices $(_bypass_names "$kind")"; done ;;
  esac
  COMPREPLY=($(compgen -W "$choices" -- "\${COMP_WORDS[COMP_CWORD]}"))`;

const wordsFunction = (points: readonly CompletionPoint[]): string =>
  [
    '_bypass_words() {',
    '  case "$1" in',
    ...points.map((point) => `    "${point.path}") echo "${textsOf(point)}" ;;`),
    '  esac',
    '}',
    '_bypass_choices() {',
    '  case "$1" in',
    ...choicesOf(points).map(([option, choices]) => `    ${option}) echo "${choices}" ;;`),
    ...kindsOf(points).map(([option, kind]) => `    ${option}) _bypass_names ${kind} ;;`),
    '  esac',
    '}',
    '_bypass_kinds() {',
    '  case "$1" in',
    ...points.flatMap(({ path, kinds }) =>
      kinds.length === 0 ? [] : [`    "${path}") echo "${kinds.join(' ')}" ;;`],
    ),
    '  esac',
    '}',
    `_bypass_names() { bypass ${NAMES_COMMAND} "$1" 2>/dev/null; }`,
  ].join('\n');

/** Options with fixed values. One entry per option is enough, since an option means the same in every command. */
const choicesOf = (
  points: readonly CompletionPoint[],
): readonly (readonly [option: string, choices: string])[] => [
  ...new Map(
    points.flatMap(({ words }) =>
      words.flatMap(({ text, short, choices }) =>
        choices.length === 0 ? [] : [[[short, text].filter(Boolean).join('|'), choices.join(' ')] as const],
      ),
    ),
  ),
];

/** Options that take a name, with the kind of that name; one entry per option. */
const kindsOf = (
  points: readonly CompletionPoint[],
): readonly (readonly [option: string, kind: string])[] => [
  ...new Map(
    points.flatMap(({ words }) =>
      words.flatMap(({ text, short, kind }) =>
        kind === undefined ? [] : [[[short, text].filter(Boolean).join('|'), kind] as const],
      ),
    ),
  ),
];

const bashScript = (points: readonly CompletionPoint[]): string =>
  `${wordsFunction(points)}\n_bypass() {\n${BASH_PATH}\n}\ncomplete -o default -F _bypass bypass\n`;

/** zsh runs bash's completions. */
const zshScript = (points: readonly CompletionPoint[]): string =>
  `#compdef bypass\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(points)}`;

function fishScript(points: readonly CompletionPoint[]): string {
  const lines = points.flatMap(({ path, words, kinds }) => [
    ...kinds.map(
      (kind) =>
        `complete -c bypass -f -n '${conditionOf(path.split(' '))}' -a '(bypass ${NAMES_COMMAND} ${kind} 2>/dev/null)'`,
    ),
    ...words.map(({ text, summary, choices, kind }) => {
      const condition = path === '' ? '__fish_use_subcommand' : conditionOf(path.split(' '));
      const what = text.startsWith('--') ? `-l ${text.slice(2)}${valuesOf(choices, kind)}` : `-a ${text}`;
      return `complete -c bypass -f -n '${condition}' ${what} -d '${summary.replace(/['\\]/g, '')}'`;
    }),
  ]);
  return `${lines.join('\n')}\n`;
}

function valuesOf(choices: readonly string[], kind: string | undefined): string {
  if (choices.length > 0) return ` -x -a '${choices.join(' ')}'`;
  return kind === undefined ? '' : ` -x -a '(bypass ${NAMES_COMMAND} ${kind} 2>/dev/null)'`;
}

const conditionOf = (path: readonly string[]): string =>
  path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
