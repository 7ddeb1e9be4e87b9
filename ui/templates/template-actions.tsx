/** Deploy, edit and delete a template. */
import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconEdit, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useCommand } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Template } from '../api/shapes.ts';
import { Confirm } from '../elements/confirm.tsx';
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
  const remove = useCommand(kind.remove, () => {
    notifications.show({ message: `${template.name} is being deleted` });
    go(kind.path);
  });
  const isOwn = session?.isAdmin === true || session?.account === template.account;
  return (
    <>
      {session?.isAdmin === true && <DeployButton template={template} zoneIds={zoneIds} />}
      {isOwn && (
        <>
          <Button
            component={Link}
            href={`${kind.path}/${template.id}/edit`}
            variant="light"
            leftSection={<IconEdit size={16} aria-hidden />}
          >
            Edit
          </Button>
          <Confirm
            label="Delete"
            title={`Delete ${kind.one} ${template.name}?`}
            icon={<IconTrash size={16} aria-hidden />}
            disabled={remove.isPending}
            onConfirm={() =>
              remove.mutate(
                { id: template.id },
                {
                  onError: (error) =>
                    notifications.show({ color: 'red', message: error.message, autoClose: false }),
                },
              )
            }
          >
            <Text>Its copies on all storage pools are removed too, and downloads of it are stopped.</Text>
          </Confirm>
        </>
      )}
    </>
  );
}
