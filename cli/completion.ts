/** Completion of nouns, verbs and options in shells, from the definitions of the commands themselves. */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly text: string;
  readonly summary: string;
  /** An option in short. */
  readonly short?: string | undefined;
  /** What may stand behind an option, where that is one of some words. */
  readonly choices: readonly string[];
}

interface Place {
  /** What was typed after `bypass`. */
  readonly path: string;
  readonly words: readonly Word[];
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](places);
}

function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const words = [
    ...command.commands.map((sub) => ({ text: sub.name(), summary: sub.summary(), choices: [] })),
    ...command.options.flatMap(({ short, long, description, hidden, argChoices = [] }) =>
      long === undefined || long === null || hidden
        ? []
        : [{ text: long, summary: description, short, choices: argChoices }],
    ),
  ];
  return [
    { path: path.join(' '), words },
    ...command.commands.flatMap((sub) => placesOf(sub, [...path, sub.name()])),
  ];
}

const textsOf = ({ words }: Place): string => words.map(({ text }) => text).join(' ');

/** The path is what stands before the word, without options. */
const BASH_PATH = `  local path="" word choices="$(_bypass_choices "\${COMP_WORDS[COMP_CWORD-1]}")"
  if [ "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [ "$(_bypass_words "\${path:+$path }$word")" ] && path="\${path:+$path }$word" ;; esac
  done
  COMPREPLY=($(compgen -W "$(_bypass_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))`;

const wordsFunction = (places: readonly Place[]): string =>
  [
    '_bypass_words() {',
    '  case "$1" in',
    ...places.map((place) => `    "${place.path}") echo "${textsOf(place)}" ;;`),
    '  esac',
    '}',
    '_bypass_choices() {',
    '  case "$1" in',
    ...choicesOf(places).map(([option, choices]) => `    ${option}) echo "${choices}" ;;`),
    '  esac',
    '}',
  ].join('\n');

/** An option means the same wherever it stands. */
const choicesOf = (places: readonly Place[]): readonly (readonly [option: string, choices: string])[] => [
  ...new Map(
    places.flatMap(({ words }) =>
      words.flatMap(({ text, short, choices }) =>
        choices.length === 0 ? [] : [[[short, text].filter(Boolean).join('|'), choices.join(' ')] as const],
      ),
    ),
  ),
];

const bashScript = (places: readonly Place[]): string =>
  `${wordsFunction(places)}\n_bypass() {\n${BASH_PATH}\n}\ncomplete -o default -F _bypass bypass\n`;

/** zsh runs bash's completions. */
const zshScript = (places: readonly Place[]): string =>
  `#compdef bypass\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(places)}`;

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ text, summary, choices }) => {
      const condition = path === '' ? '__fish_use_subcommand' : conditionOf(path.split(' '));
      const what = text.startsWith('--')
        ? `-l ${text.slice(2)}${choices.length === 0 ? '' : ` -x -a '${choices.join(' ')}'`}`
        : `-a ${text}`;
      return `complete -c bypass -f -n '${condition}' ${what} -d '${summary.replace(/['\\]/g, '')}'`;
    }),
  );
  return `${lines.join('\n')}\n`;
}

const conditionOf = (path: readonly string[]): string =>
  path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
