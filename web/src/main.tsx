// The console's page: who is logged in, which page of it is shown, and what is live.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ConsoleSessionShown } from "../../src/console/console-contract.js";
import { me, whenEnded } from "./api.js";
import { type Live, nothingYet, watch } from "./live.js";
import { keepSettings, readSettings, type Settings, SettingsContext, wordsOf } from "./settings.js";
import { Shell } from "./shell.js";
import "./style.css";
import "uplot/dist/uPlot.min.css";
import { LogIn } from "./views/log-in.js";

type Who =
  | { readonly known: false }
  | { readonly known: true; me: ConsoleSessionShown | undefined };

function App() {
  const [settings, setSettings] = useState<Settings>(readSettings);
  const [who, setWho] = useState<Who>({ known: false });
  const [wasIn, setWasIn] = useState(false);
  const [live, setLive] = useState<Live>(nothingYet);
  const inside = who.known && who.me !== undefined;
  const change = (next: Settings) => {
    keepSettings(next);
    setSettings(next);
  };
  useEffect(() => {
    document.documentElement.lang = settings.language;
    document.documentElement.dataset.theme = settings.theme;
    document.title = wordsOf(settings.language).title;
  }, [settings]);
  useEffect(() => {
    whenEnded(() => setWho({ known: true, me: undefined }));
    me().then(
      (found) => setWho({ known: true, me: found }),
      () => setWho({ known: true, me: undefined }),
    );
  }, []);
  useEffect(() => {
    if (!inside) return;
    setWasIn(true);
    const stop = watch(setLive, () => setWho({ known: true, me: undefined }));
    return () => {
      stop();
      setLive(nothingYet);
    };
  }, [inside]);
  return (
    <SettingsContext.Provider value={settings}>
      {!who.known ? null : who.me === undefined ? (
        <LogIn
          ended={wasIn}
          settings={settings}
          onSettings={change}
          onLogIn={(found) => setWho({ known: true, me: found })}
        />
      ) : (
        <Shell
          me={who.me}
          live={live}
          settings={settings}
          onSettings={change}
          onLogOut={() => setWho({ known: true, me: undefined })}
        />
      )}
    </SettingsContext.Provider>
  );
}

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
