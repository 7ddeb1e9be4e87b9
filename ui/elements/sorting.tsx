/** Sorting of lists by a click on a column head. The order is kept in the address. */
import { Table, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconSelector } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import type { Values } from '../api/client.ts';

export interface Sorting {
  readonly by: string | undefined;
  readonly isDescending: boolean;
  /** Parameters for the api. */
  readonly values: Values;
}

/** @param columns columns that the api can sort by; the first is the default order */
export function useSorting(columns: readonly string[]): Sorting {
  const [search] = useSearchParams();
  const by = columns.find((column) => column === search.get('sort'));
  const isDescending = search.get('order') === 'desc';
  return by === undefined
    ? { by, isDescending, values: { orderby: columns[0] } }
    : { by, isDescending, values: { orderby: by, order: isDescending ? 'desc' : 'asc' } };
}

export interface SortableThProps {
  readonly sorting: Sorting;
  readonly column: string;
  readonly w?: string | number;
  readonly children: string;
}

export function SortableTh({ sorting, column, w, children }: SortableThProps): ReactNode {
  const [, setSearch] = useSearchParams();
  const isBy = sorting.by === column;
  const isDescending = isBy && sorting.isDescending;
  const sort = (): void =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      next.delete('page');
      next.set('sort', column);
      next.set('order', isBy && !isDescending ? 'desc' : 'asc');
      return next;
    });
  const Icon = isBy ? (isDescending ? IconChevronDown : IconChevronUp) : IconSelector;
  return (
    <Table.Th
      {...(w === undefined ? {} : { w })}
      aria-sort={isBy ? (isDescending ? 'descending' : 'ascending') : undefined}
    >
      <UnstyledButton className="sort" onClick={sort}>
        {children}
        <Icon size={14} aria-hidden className="after-text" />
      </UnstyledButton>
    </Table.Th>
  );
}
