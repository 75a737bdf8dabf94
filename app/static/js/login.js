// Logging in and out. The address stays: whoever came for a page finds it behind the form.

const form = document.getElementById("login");
const logout = document.getElementById("logout");

async function send(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return response.json();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = document.getElementById("login-error");
  const button = form.querySelector("button");
  error.textContent = "";
  button.disabled = true;
  try {
    const answer = await send(form.action, { UserName: form.elements.UserName.value, Password: form.elements.Password.value });
    if (answer.LoggedIn) return location.pathname === "/login" ? location.replace("/") : location.reload();
    const minutes = answer.RetryAfterSeconds ? ` Try again in ${Math.ceil(answer.RetryAfterSeconds / 60)} min.` : "";
    error.textContent = (answer.Error ?? "The hub did not answer.") + minutes;
    form.elements.Password.select();
  } catch {
    error.textContent = "The hub does not answer.";
  }
  button.disabled = false;
  return undefined;
});

logout?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await send(logout.action, {}).catch(() => null);
  location.replace("/");
});
