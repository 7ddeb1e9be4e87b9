/** Which view is shown at which address. */
import { Anchor, createTheme, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useMemo } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { createQueries } from './api/queries.ts';
import { useSession } from './api/session.ts';
import { COLOURS, PRIMARY } from './colours.ts';
import { NotFound } from './layout/not-found.tsx';
import { Login } from './layout/login.tsx';
import { Shell } from './layout/shell.tsx';
import { Waiting } from './elements/waiting.tsx';

const Overview = lazy(() => import('./overview/overview.tsx'));
const Templates = lazy(async () => ({ default: (await import('./templates/views.tsx')).TemplateViews }));
const Isos = lazy(async () => ({ default: (await import('./templates/views.tsx')).IsoViews }));
const Deployments = lazy(() => import('./deployments/deployments.tsx'));
const Deployment = lazy(() => import('./deployments/deployment.tsx'));
const Hosts = lazy(() => import('./hosts/hosts.tsx'));
const Host = lazy(() => import('./hosts/host.tsx'));
const Pools = lazy(() => import('./pools/pools.tsx'));
const Certificates = lazy(() => import('./certificates/certificates.tsx'));
const UploadCertificate = lazy(() => import('./certificates/upload.tsx'));
const Events = lazy(() => import('./events/events.tsx'));

const theme = createTheme({
  ...PRIMARY,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Links are told from text by more than their colour.
  components: { Anchor: Anchor.extend({ defaultProps: { underline: 'always', inherit: true } }) },
});

const colours = () => ({ variables: {}, ...COLOURS });

/** The policy of the page lets only styles with this number in. */
const nonce = (): string => document.querySelector('meta[name="style-nonce"]')?.getAttribute('content') ?? '';

// What keeps the page from scrolling under a dialog writes a style, too, and looks for the number here.
Object.assign(globalThis, { __webpack_nonce__: nonce() });

export function App(): ReactNode {
  const queries = useMemo(createQueries, []);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={colours}
      defaultColorScheme="auto"
      getStyleNonce={nonce}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        <Inside />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Inside(): ReactNode {
  const session = useSession();
  if (session === undefined) return <Login />;
  return (
    <Shell session={session}>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/" component={Overview} />
          <Route path="/templates/*?" component={Templates} />
          <Route path="/isos/*?" component={Isos} />
          <Route path="/deployments" component={Deployments} />
          <Route path="/deployments/:id" component={Deployment} />
          {session.isAdmin && <Route path="/hosts" component={Hosts} />}
          {session.isAdmin && <Route path="/hosts/:id" component={Host} />}
          {session.isAdmin && <Route path="/pools" component={Pools} />}
          {session.isAdmin && <Route path="/certificates" component={Certificates} />}
          {session.isAdmin && <Route path="/certificates/upload" component={UploadCertificate} />}
          <Route path="/events" component={Events} />
          <Route path="/overview">
            <Redirect to="/" />
          </Route>
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </Shell>
  );
}
