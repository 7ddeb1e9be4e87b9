/** Which part of a list is shown stands in the address, so that it can be linked to and the back button works. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type ReactNode, useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';

export interface Choice<T extends string = string> {
  readonly label: string;
  /** Empty: all of them. */
  readonly value: T;
}

export interface Filters {
  readonly keyword: string;
  /** Which of these the address names; the first when it names none, since anybody can write an address. */
  readonly chosen: <T extends string>(name: string, choices: readonly Choice<T>[]) => T;
  /** What was narrowed down begins with its first page. @param replace without a step for the back button */
  readonly choose: (name: string, value: string, replace?: boolean) => void;
}

export function useFilters(): Filters {
  const [search, setSearch] = useSearchParams();
  return {
    keyword: search.get('keyword') ?? '',
    chosen: (name, choices) => {
      const [first] = choices;
      const found = choices.find(({ value }) => value === search.get(name)) ?? first;
      if (found === undefined) throw new Error(`there is nothing to choose from as ${name}`);
      return found.value;
    },
    choose: (name, value, replace = false) =>
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          next.delete('page');
          if (value === '') next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace },
      ),
  };
}

/** Milliseconds without a key until what was typed is looked for. */
const PAUSE = 300;

export function SearchField({
  label,
  placeholder,
}: {
  readonly label: string;
  readonly placeholder: string;
}): ReactNode {
  const { keyword, choose } = useFilters();
  const [typed, setTyped] = useState(keyword);
  const look = useDebouncedCallback((text: string) => choose('keyword', text, true), PAUSE);
  // A link or the back button brought another.
  useEffect(() => setTyped(keyword), [keyword]);
  return (
    <TextInput
      aria-label={label}
      placeholder={placeholder}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        look(event.currentTarget.value);
      }}
    />
  );
}

export function FilterSelect({
  label,
  name,
  choices,
}: {
  readonly label: string;
  readonly name: string;
  readonly choices: readonly Choice[];
}): ReactNode {
  const { chosen, choose } = useFilters();
  return (
    <NativeSelect
      aria-label={label}
      data={choices.map(({ value, label: shown }) => ({ value, label: shown }))}
      value={chosen(name, choices)}
      onChange={(event) => choose(name, event.currentTarget.value)}
    />
  );
}
