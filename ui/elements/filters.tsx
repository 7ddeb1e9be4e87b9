/** Filters of lists. They are in the address, so that a filtered list can be linked and the back button works. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type ReactNode, useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';

export interface Choice<T extends string = string> {
  readonly label: string;
  /** Empty: no filter. */
  readonly value: T;
}

export interface Filters {
  readonly keyword: string;
  /** The choice in the address; the first one when the address names none of them. */
  readonly chosen: <T extends string>(name: string, choices: readonly Choice<T>[]) => T;
  /** Sets a filter and returns to the first page. @param replace without a new history entry */
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

/** Milliseconds without a keystroke before the search starts. */
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
  // A link or the back button changed the value.
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
