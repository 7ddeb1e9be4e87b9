import { Group, Pagination, Text } from '@mantine/core';
import { parseAsPage } from './page-number.ts';
import { type ReactNode } from 'react';
import { useSearchParams } from 'wouter';

export const PAGE_SIZE = 25;

/** The page number of a list, kept in the address so that the back button works. */
export function usePage(): readonly [number, (page: number) => void] {
  const [search, setSearch] = useSearchParams();
  const set = (page: number): void =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (page === 1) next.delete('page');
      else next.set('page', String(page));
      return next;
    });
  return [parseAsPage(search.get('page')), set];
}

export function Paging({ count }: { readonly count: number }): ReactNode {
  const [page, setPage] = usePage();
  const pages = Math.ceil(count / PAGE_SIZE);
  if (pages <= 1) return null;
  return (
    <Group justify="space-between" mt="md">
      <Text size="sm" c="dimmed">
        {count} in all
      </Text>
      <Pagination
        total={pages}
        value={page}
        onChange={setPage}
        getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        getItemProps={(item) => ({ 'aria-label': `Page ${item}` })}
      />
    </Group>
  );
}
