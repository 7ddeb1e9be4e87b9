/** Names as links to the pages of the named things, for users who may open them. */
import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useIsAdmin } from '../api/session.ts';

export interface NameLinkProps {
  /** Absent when the api hides the id from the caller. */
  readonly id: string | undefined;
  readonly children: ReactNode;
}

const nameLink =
  (folder: '/hosts' | '/pools' | '/accounts') =>
  ({ id, children }: NameLinkProps): ReactNode => {
    const isAdmin = useIsAdmin();
    if (id === undefined || !isAdmin) return children;
    return (
      <Anchor component={Link} href={`${folder}/${id}`} className="long">
        {children}
      </Anchor>
    );
  };

export const HostLink = nameLink('/hosts');
export const PoolLink = nameLink('/pools');
export const AccountLink = nameLink('/accounts');
