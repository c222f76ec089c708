// What a person chose on this browser: language and colours. Nothing else is kept here.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { en, type Words } from "./words-en.js";
import { ja } from "./words-ja.js";

export type Language = "en" | "ja";
export type Theme = "auto" | "light" | "dark";

const all: Readonly<Record<Language, Words>> = { en, ja };

export type Settings = { readonly language: Language; readonly theme: Theme };

export function readSettings(): Settings {
  const kept = keptWords();
  const own = navigator.languages.some((one) => one.startsWith("ja")) ? "ja" : "en";
  const language = kept.language === "ja" || kept.language === "en" ? kept.language : own;
  const theme = kept.theme === "light" || kept.theme === "dark" ? kept.theme : "auto";
  return { language, theme };
}

export function keepSettings(settings: Settings): void {
  try {
    localStorage.setItem("holdfast", JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing: they count until it is closed.
  }
}

function keptWords(): Partial<Record<keyof Settings, unknown>> {
  try {
    return JSON.parse(localStorage.getItem("holdfast") ?? "{}");
  } catch {
    return {};
  }
}

export const SettingsContext = createContext<Settings>({ language: "en", theme: "auto" });

export function useWords(): Words {
  return all[useContext(SettingsContext).language];
}

export function wordsOf(language: Language): Words {
  return all[language];
}
