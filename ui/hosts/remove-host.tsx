/** Forgets a host. */
import { IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { Host } from '../../model/api-answers.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';

export function RemoveHost({
  host: { id, name, state, virtualmachinecount = 0 },
}: {
  readonly host: Host;
}): ReactNode {
  const [, go] = useLocation();
  const remove = useAction('deleteHost', `${name} was removed`, { onDone: () => go('/hosts') });
  const isUp = state === 'Up';
  return (
    <Confirm
      label="Remove"
      title={`Remove host ${name}?`}
      size="compact-sm"
      icon={<IconTrash size={14} aria-hidden />}
      disabled={remove.isPending}
      onConfirm={() => remove.act({ id, forced: isUp })}
    >
      Bypass forgets it, the pools that only it has, and what is known of the copies there; no file is
      deleted.
      {virtualmachinecount > 0 &&
        ` Virtual machines that run there: ${virtualmachinecount}. Other hosts may start them, so make sure that it is off.`}
      {isUp &&
        ' It is up: stop its worker first, or it comes back as a new host when the worker starts again.'}
    </Confirm>
  );
}
