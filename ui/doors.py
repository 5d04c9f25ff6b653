"""How portraits come into the studio, and how work leaves it and comes back; without any widget."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from editing.alignment import align, align_face, centre_crop
from editing.domains import file_hash
from editing.edits import EditStack, EditState, state_of
from editing.errors import BadInput, BadRecipe
from editing.images import load_picture, to_tensor, to_uint8
from editing.inversion_options import options_for
from editing.latents import DEFAULT_PSI, SeedSpec, parse_seed
from editing.recipes import Inversion, Output, Recipe, Source
from editing.states import as_seeded, named_seed
from ui import files
from ui.easel import SHOWN, Easel, enlarged
from ui.links import DeadLink, Links, parse_query, recipe_of_query, recipe_query, work_query
from ui.session import Label, Portrait, Session, on_cpu
from ui.session_files import SUFFIX, SavedMoment, SavedPortrait, read_session, session_bytes
from ui.whole import whole_at


class Doors(Easel):
    """What opens seeds, photos and files, and what makes them."""

    def open_seed(
        self, seed: int, psi: float = DEFAULT_PSI, label: int | None = None,
        cutoff: int | None = None,
    ) -> Portrait:  # fmt: skip
        """The invented person of a seed, of a class where the generator has some."""
        spec = SeedSpec(seed, psi, label, cutoff)
        state = on_cpu(state_of(spec, self.domain))
        said = Label("source.seed", {"seed": seed})
        source = Source("seed", named_seed(spec, self.domain))
        return Portrait("seed", said, state, self.draw(state), source)

    def open_photo(self, path: str | Path, name: str = "", crop: bool = False) -> Portrait:
        """A photo, aligned (or cut from the centre), with the encoder's guess of its latent.

        Raises:
            BadPicture, NoFace: sentences for the visitor.
        """
        picture = load_picture(path, name=name or Path(path).name)
        resolution = self.domain.generator.img_resolution
        if crop:
            small, alignment = centre_crop(picture, resolution)
            photo, _ = centre_crop(picture, SHOWN)
        else:
            small, alignment = align_face(picture, resolution)
            photo = align(picture, alignment.quad, SHOWN)
        with self.lanes.interactive(), torch.no_grad():
            state = EditState(self.domain.encode(to_tensor(small)).cpu())
        return Portrait(
            "photo",
            Label("source.photo"),
            state,
            self.draw(state),
            Source("photo", Path(path).name, file_hash(Path(path)), alignment.found),
            photo=to_uint8(to_tensor(photo))[0],
            target=to_uint8(to_tensor(small))[0],
            notes=alignment.notes,
            inversion=Inversion(options_for("quick"), 0),
            quad=tuple((float(x), float(y)) for x, y in alignment.quad),
        )

    def open_work(self, session: Session, path: Path) -> Session | None:
        """Go on with a latent file or an exported PNG; None for any other picture."""
        work = files.read_work(path, self.domain)
        if work is None:
            return None
        latent, recipe = work
        before = self.draw(state_of(latent, self.domain))
        portrait = files.portrait_of(latent, recipe, self.domain, before)
        return session.add(self._moment(portrait, recipe.stack, portrait.label))

    def open_session(
        self, session: Session, path: Path, watched: Callable[..., Iterable[SavedMoment]] = iter
    ) -> tuple[Session, bool]:
        """Go on with a session file instead; whether all that was tuned is there, too.

        Args:
            watched: goes through the steps, each of which is drawn, and may say how far it is.

        Raises:
            BadRecipe, BadLatent, BadPicture, BadInput: sentences for the visitor.
        """
        saved = read_session(path)
        if saved.fingerprint != self.domain.fingerprint:
            raise BadRecipe(
                f"{path.name} was made in the domain {saved.domain}, and this is "
                f"{self.domain.name}; open it where it was made."
            )
        used = {moment.portrait: moment.recipe for moment in reversed(saved.moments)}
        portraits = {n: self._reopened(saved.portraits[n], used[n]) for n in used}
        moments = tuple(
            self._moment(portraits[moment.portrait], moment.recipe.stack, moment.label)
            for moment in watched(saved.moments)
        )
        blend = saved.moments[saved.position].recipe.output.blend
        session = replace(session, moments=moments, position=saved.position, selected=None)
        session = replace(session, keep=saved.keep, blend=blend, against=None, opening=0)
        return session, not any(portrait.left_out for portrait in saved.portraits)

    def link(self, session: Session, links: Links | None) -> str:
        """The part of an address after "?" that leads to what is shown.

        Raises:
            BadInput: it does not fit, or the server keeps nothing.
            CannotWrite: the server cannot.
        """
        moment = session.now
        if moment.portrait.kind == "seed":
            return recipe_query(files.recipe_of(moment, self.domain, Output()))
        if links is None:
            raise BadInput(
                "This work comes from a photo or a file, and this server keeps no photos; save "
                "the session file and send that instead."
            )
        shown = replace(session, moments=(moment,), position=0)
        return work_query(links.keep(session_bytes(shown, self.domain)))

    def open_link(self, session: Session, query: str, links: Links | None) -> tuple[Session, bool]:
        """Go on with what a link leads to; whether all of it is there.

        Raises:
            BadInput, BadRecipe, DeadLink: sentences for the visitor.
        """
        kind, value = parse_query(query)
        if kind == "work":
            if links is None:
                raise DeadLink("There is no work under this link; this server keeps none.")
            return self.open_session(session, links.find(value))
        recipe = recipe_of_query(value)
        if recipe.fingerprint and recipe.fingerprint != self.domain.fingerprint:
            raise BadRecipe(
                f"The link is of the domain {recipe.domain}, and this is {self.domain.name}; "
                "open it where it was made."
            )
        spec = parse_seed(recipe.source.name) or SeedSpec(0)
        portrait = self.open_seed(spec.seed, spec.psi, spec.label, spec.cutoff)
        start = self._moment(portrait, EditStack(()), Label("history.start"))
        shared = self._moment(portrait, recipe.stack, Label("history.shared"))
        session = replace(session, moments=(start, shared), position=1, selected=None)
        return replace(session, against=None, opening=0), True

    def _reopened(self, saved: SavedPortrait, recipe: Recipe) -> Portrait:
        """A portrait out of a session file, drawn again."""
        source, state = recipe.source, state_of(saved.latent, self.domain)
        if source.kind == "seed":  # only a seed knows its z
            state = as_seeded(state, source.name, self.domain)
        portrait = files.portrait_of(saved.latent, recipe, self.domain, self.draw(state))
        portrait = replace(portrait, kind=saved.kind, state=on_cpu(state))
        if saved.left_out:  # the photo and the options alone would not find this one
            portrait = replace(portrait, inversion=None)
        if saved.photo is None:
            return portrait
        small = to_tensor(saved.photo, self.domain.generator.img_resolution)
        photo, target = enlarged(saved.photo, SHOWN), to_uint8(small)[0]
        return self._measured(replace(portrait, photo=photo, target=target))

    def open_file(self, session: Session, path: Path) -> Session:
        """``open_work``, for a file that should be nothing else.

        Raises:
            BadRecipe: a picture without a recipe.
        """
        opened = self.open_work(session, path)
        if opened is None:
            raise BadRecipe(
                f"{path.name} carries no recipe, so it is a photo like any other; "
                "drop it where photos go."
            )
        return opened

    def reunite(self, session: Session, path: Path) -> Session | None:
        """Give a portrait that was opened from a file its photo back; None for any other photo.

        Raises:
            BadPicture: a sentence for the visitor.
        """
        portrait = session.now.portrait
        there = session.whole is not None and session.whole.is_of(portrait)
        if (portrait.photo is not None and there) or portrait.quad is None:
            return None
        if portrait.source.sha256 != file_hash(path):
            return None
        picture, sizes = load_picture(path), (SHOWN, self.domain.generator.img_resolution)
        photo, target = (to_uint8(to_tensor(align(picture, portrait.quad, s)))[0] for s in sizes)
        complete = self._measured(replace(portrait, kind="photo", photo=photo, target=target))
        session = replace(session, whole=whole_at(path))
        return session.add(self._moment(complete, session.now.stack, Label("history.photo")))

    def export(self, session: Session, kind: str) -> tuple[str, bytes]:
        """(file name, contents) of a download; see ``ui.files.export``."""
        if kind == "session":
            name = files.file_name(session.now)
            return f"{name}{SUFFIX}", session_bytes(session, self.domain)
        blend = session.blend if session.keep else None
        with self.lanes.interactive(), torch.no_grad():
            return files.export(session.now, self.domain, kind, blend, session.whole)
