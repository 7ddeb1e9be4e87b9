import { Button, type ButtonProps, Group, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface ConfirmProps {
  /** Label of the button, such as `Delete`. */
  readonly label: string;
  /** Accessible name, where the view has several such buttons: `Delete debian-12`. */
  readonly name?: string;
  /** The question, such as `Delete template debian-12?` */
  readonly title: string;
  /** The consequences that cannot be undone. */
  readonly children: ReactNode;
  readonly onConfirm: () => void;
  readonly disabled?: boolean;
  readonly icon?: ReactNode;
  readonly size?: ButtonProps['size'];
  /** Orange for what can be undone, but interrupts somebody. Default: red */
  readonly color?: 'red' | 'orange';
}

/** A button for an action that cannot be undone, or that interrupts somebody: it asks first. */
export function Confirm(props: ConfirmProps): ReactNode {
  const { label, name, title, children, onConfirm, disabled = false, icon, size = 'sm' } = props;
  const { color = 'red' } = props;
  const [opened, { open, close }] = useDisclosure();
  const confirm = (): void => {
    close();
    onConfirm();
  };
  return (
    <>
      <Button
        color={color}
        variant="light"
        size={size}
        aria-label={name}
        onClick={open}
        disabled={disabled}
        leftSection={icon}
      >
        {label}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={title}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Text component="div" size="sm">
          {children}
        </Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close} data-autofocus>
            Keep
          </Button>
          <Button color={color} onClick={confirm}>
            {label}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
