/** Completion of nouns, verbs and options in shells, from the definitions of the commands themselves. */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly text: string;
  readonly summary: string;
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
    ...command.commands.map((sub) => ({ text: sub.name(), summary: sub.summary() })),
    ...command.options.flatMap(({ long, description, hidden }) =>
      long === undefined || long === null || hidden ? [] : [{ text: long, summary: description }],
    ),
  ];
  return [
    { path: path.join(' '), words },
    ...command.commands.flatMap((sub) => placesOf(sub, [...path, sub.name()])),
  ];
}

const textsOf = ({ words }: Place): string => words.map(({ text }) => text).join(' ');

/** The path is what stands before the word, without options. */
const BASH_PATH = `  local path="" word
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
  ].join('\n');

const bashScript = (places: readonly Place[]): string =>
  `${wordsFunction(places)}\n_bypass() {\n${BASH_PATH}\n}\ncomplete -o default -F _bypass bypass\n`;

/** zsh runs bash's completions. */
const zshScript = (places: readonly Place[]): string =>
  `#compdef bypass\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(places)}`;

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ text, summary }) => {
      const condition = path === '' ? '__fish_use_subcommand' : conditionOf(path.split(' '));
      const what = text.startsWith('--') ? `-l ${text.slice(2)}` : `-a ${text}`;
      return `complete -c bypass -f -n '${condition}' ${what} -d '${summary.replace(/['\\]/g, '')}'`;
    }),
  );
  return `${lines.join('\n')}\n`;
}

const conditionOf = (path: readonly string[]): string =>
  path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
