/** Actions on a template: deploy a machine or copies, register again, edit, delete; the most helpful one first. */
import { Button, Text } from '@mantine/core';
import { IconDeviceDesktop, IconEdit, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useSession } from '../api/session.ts';
import type { Template } from '../../model/api-answers.ts';
import { needsAnotherRegistration } from '../deployments/failure-words.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { useCopies } from './copies.tsx';
import { DeployButton } from './deploy-button.tsx';
import type { Kind } from './kind.ts';

export interface TemplateActionsProps {
  readonly kind: Kind;
  readonly template: Template;
  readonly zoneIds: readonly string[];
}

export function TemplateActions({ kind, template, zoneIds }: TemplateActionsProps): ReactNode {
  const session = useSession();
  const [, go] = useLocation();
  const { id, name } = template;
  const remove = useAction(kind.remove, `${name} is being deleted`, { onDone: () => go(kind.path) });
  const isHopeless = useCopies(id).data?.rows.some(needsAnotherRegistration) === true;
  const isOwn = session?.isAdmin === true || session?.account === template.account;
  const again = (
    <Button
      key="again"
      component={Link}
      href={`${kind.path}/register?from=${id}`}
      variant={isHopeless ? 'filled' : 'light'}
    >
      Register again
    </Button>
  );
  const deploy = session?.isAdmin === true && (
    <DeployButton key="deploy" template={template} zoneIds={zoneIds} variant="light" />
  );
  const deployVm = template.isready && (!kind.iso || template.bootable) && (
    <Button
      key="deploy-vm"
      component={Link}
      href={`/instances/deploy?${kind.iso ? 'iso' : 'template'}=${id}`}
      variant={isHopeless ? 'light' : 'filled'}
      leftSection={<IconDeviceDesktop size={16} aria-hidden />}
    >
      Deploy VM
    </Button>
  );
  return (
    <>
      {isHopeless ? [again, deployVm, deploy] : [deployVm, deploy]}
      {isOwn && (
        <>
          {!isHopeless && again}
          <Button
            component={Link}
            href={`${kind.path}/${id}/edit`}
            variant="light"
            leftSection={<IconEdit size={16} aria-hidden />}
          >
            Edit
          </Button>
          <Confirm
            label="Delete"
            title={`Delete ${kind.one} ${name}?`}
            icon={<IconTrash size={16} aria-hidden />}
            disabled={remove.isPending}
            onConfirm={() => remove.act({ id })}
          >
            <Text>Its copies on all storage pools are removed too, and downloads of it are stopped.</Text>
          </Confirm>
        </>
      )}
    </>
  );
}
