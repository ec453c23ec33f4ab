// The API's try-it page, mounted at /docs.
import { mount } from "svelte";
import "./app.css";
import Docs from "./docs/Docs.svelte";

mount(Docs, { target: document.getElementById("page")! });
