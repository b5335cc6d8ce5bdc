"""
What customers are told where a link leads nowhere or we fail, in the language of their
browser: whose invoice it was is not known then. The rest of the site speaks English.
"""

# ruff: noqa: RUF001 - letters of other languages

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# Where customers come by a link of ours.
PLACES: Final = ("/i/", "/verify/")


def apology(
    request: HttpRequest, status: HTTPStatus, reason: str, again: int | None = None
) -> HttpResponse | None:
    """
    The page that answers a customer; None for anyone else.

    :param reason: what the words begin with
    :param again: seconds after which the page is asked for once more
    """
    if not request.path_info.startswith(PLACES):
        return None
    language = _language(request)
    context = {
        "language": language,
        "status": status.value,
        "title": WORDS[language][reason],
        "text": WORDS[language][f"{reason}_{'again' if again else 'why'}"],
        "again": again,
    }
    return HttpResponse(
        render_to_string("apology.html", context),
        status=status,
        headers={"Vary": "Accept-Language", "X-Robots-Tag": "noindex"},
    )


def _language(request: HttpRequest) -> str:
    """The first of ours: browsers name the one that is liked best before others."""
    liked = request.headers.get("Accept-Language", "").lower().split(",")
    codes = (each.strip().partition(";")[0].partition("-")[0] for each in liked)
    return next((code for code in codes if code in WORDS), "en")


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "missing": "There is no page here",
        "missing_why": "The address may be cut off or mistyped. Open the link once more from where you got it, or ask who sent it.",
        "broken": "Something broke on our side",
        "broken_why": "It was not your doing, and we have been told. Please try again in a few minutes.",
        "away": "One moment, please",
        "away_again": "We cannot reach our records just now. This page tries again by itself in a few seconds; there is nothing you need to do.",
        "away_why": "We cannot reach our records just now, so we do not know whether what you sent arrived. Please go back in a minute and look before you send it again.",
    },
    "de": {
        "missing": "Hier ist keine Seite",
        "missing_why": "Die Adresse ist vielleicht unvollständig oder falsch geschrieben. Öffnen Sie den Link noch einmal dort, wo Sie ihn bekommen haben, oder fragen Sie den Absender.",
        "broken": "Bei uns ist etwas schiefgegangen",
        "broken_why": "Es lag nicht an Ihnen, und wir wissen Bescheid. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        "away": "Einen Moment, bitte",
        "away_again": "Wir erreichen unsere Daten gerade nicht. Diese Seite versucht es in wenigen Sekunden von selbst noch einmal; Sie müssen nichts tun.",
        "away_why": "Wir erreichen unsere Daten gerade nicht und wissen daher nicht, ob Ihre Eingabe angekommen ist. Bitte gehen Sie in einer Minute zurück und sehen Sie nach, bevor Sie sie noch einmal absenden.",
    },
    "es": {
        "missing": "Aquí no hay ninguna página",
        "missing_why": "Puede que la dirección esté incompleta o mal escrita. Abra de nuevo el enlace donde lo recibió o pregunte a quien se lo envió.",
        "broken": "Algo ha fallado por nuestra parte",
        "broken_why": "No ha sido culpa suya y ya estamos avisados. Inténtelo de nuevo en unos minutos, por favor.",
        "away": "Un momento, por favor",
        "away_again": "Ahora mismo no podemos acceder a nuestros datos. Esta página lo intentará sola en unos segundos; no tiene que hacer nada.",
        "away_why": "Ahora mismo no podemos acceder a nuestros datos y no sabemos si llegó lo que envió. Vuelva atrás en un minuto y compruébelo antes de enviarlo otra vez.",
    },
    "fr": {
        "missing": "Il n’y a pas de page ici",
        "missing_why": "L’adresse est peut-être incomplète ou mal saisie. Ouvrez de nouveau le lien là où vous l’avez reçu, ou demandez à l’expéditeur.",
        "broken": "Une erreur s’est produite de notre côté",
        "broken_why": "Vous n’y êtes pour rien, et nous sommes prévenus. Merci de réessayer dans quelques minutes.",
        "away": "Un instant, s’il vous plaît",
        "away_again": "Nos données sont inaccessibles pour le moment. Cette page réessaie d’elle-même dans quelques secondes\N{NO-BREAK SPACE}; vous n’avez rien à faire.",
        "away_why": "Nos données sont inaccessibles pour le moment, et nous ne savons pas si votre envoi est arrivé. Revenez en arrière dans une minute et vérifiez avant de l’envoyer de nouveau.",
    },
    "it": {
        "missing": "Qui non c’è nessuna pagina",
        "missing_why": "L’indirizzo è forse incompleto o scritto male. Apra di nuovo il link da dove l’ha ricevuto, oppure chieda a chi lo ha inviato.",
        "broken": "Qualcosa non ha funzionato da parte nostra",
        "broken_why": "Non dipende da Lei, e siamo stati avvisati. La preghiamo di riprovare tra qualche minuto.",
        "away": "Un momento, per favore",
        "away_again": "Al momento non raggiungiamo i nostri dati. La pagina riprova da sola tra qualche secondo; non deve fare nulla.",
        "away_why": "Al momento non raggiungiamo i nostri dati e non sappiamo se quanto ha inviato è arrivato. Torni indietro tra un minuto e controlli prima di inviarlo di nuovo.",
    },
    "nl": {
        "missing": "Hier is geen pagina",
        "missing_why": "Het adres is misschien afgekapt of verkeerd getypt. Open de link nog eens waar u hem kreeg, of vraag het aan de afzender.",
        "broken": "Er ging bij ons iets mis",
        "broken_why": "Het lag niet aan u, en wij zijn op de hoogte. Probeer het over een paar minuten nog eens.",
        "away": "Een ogenblik, alstublieft",
        "away_again": "Wij kunnen nu niet bij onze gegevens. Deze pagina probeert het over enkele seconden zelf nog eens; u hoeft niets te doen.",
        "away_why": "Wij kunnen nu niet bij onze gegevens en weten daarom niet of aankwam wat u verstuurde. Ga over een minuut terug en kijk voordat u het nog eens verstuurt.",
    },
    "pl": {
        "missing": "Tu nie ma żadnej strony",
        "missing_why": "Adres może być niepełny albo błędnie wpisany. Proszę otworzyć link jeszcze raz tam, skąd pochodzi, albo zapytać nadawcę.",
        "broken": "Coś zawiodło po naszej stronie",
        "broken_why": "To nie Państwa wina, a my już o tym wiemy. Proszę spróbować ponownie za kilka minut.",
        "away": "Chwileczkę",
        "away_again": "Nie możemy teraz sięgnąć do naszych danych. Ta strona sama spróbuje ponownie za kilka sekund; nie trzeba nic robić.",
        "away_why": "Nie możemy teraz sięgnąć do naszych danych, więc nie wiemy, czy wysłane dane dotarły. Proszę wrócić za minutę i sprawdzić, zanim wyślą je Państwo ponownie.",
    },
    "pt": {
        "missing": "Não há aqui nenhuma página",
        "missing_why": "O endereço pode estar incompleto ou mal escrito. Abra de novo a ligação onde a recebeu ou pergunte a quem a enviou.",
        "broken": "Algo falhou do nosso lado",
        "broken_why": "A culpa não foi sua e já fomos avisados. Por favor, tente de novo dentro de alguns minutos.",
        "away": "Um momento, por favor",
        "away_again": "De momento não conseguimos aceder aos nossos dados. Esta página tenta de novo sozinha dentro de segundos; não precisa de fazer nada.",
        "away_why": "De momento não conseguimos aceder aos nossos dados e não sabemos se chegou o que enviou. Volte atrás dentro de um minuto e veja antes de enviar de novo.",
    },
    "sv": {
        "missing": "Här finns ingen sida",
        "missing_why": "Adressen kan vara avklippt eller felskriven. Öppna länken en gång till där du fick den, eller fråga den som skickade den.",
        "broken": "Något gick fel hos oss",
        "broken_why": "Det var inte ditt fel, och vi vet om det. Försök igen om några minuter.",
        "away": "Ett ögonblick",
        "away_again": "Vi når inte våra uppgifter just nu. Sidan försöker själv igen om några sekunder; du behöver inte göra något.",
        "away_why": "Vi når inte våra uppgifter just nu och vet inte om det du skickade kom fram. Gå tillbaka om en minut och titta efter innan du skickar det igen.",
    },
    "el": {
        "missing": "Δεν υπάρχει σελίδα εδώ",
        "missing_why": "Η διεύθυνση ίσως είναι ελλιπής ή γραμμένη λάθος. Ανοίξτε ξανά τον σύνδεσμο από εκεί που τον λάβατε ή ρωτήστε τον αποστολέα.",
        "broken": "Κάτι χάλασε από την πλευρά μας",
        "broken_why": "Δεν φταίτε εσείς, και έχουμε ειδοποιηθεί. Δοκιμάστε ξανά σε λίγα λεπτά.",
        "away": "Μια στιγμή, παρακαλούμε",
        "away_again": "Αυτή τη στιγμή δεν έχουμε πρόσβαση στα δεδομένα μας. Η σελίδα δοκιμάζει ξανά μόνη της σε λίγα δευτερόλεπτα· δεν χρειάζεται να κάνετε τίποτα.",
        "away_why": "Αυτή τη στιγμή δεν έχουμε πρόσβαση στα δεδομένα μας και δεν ξέρουμε αν έφτασε ό,τι στείλατε. Επιστρέψτε σε ένα λεπτό και ελέγξτε πριν το στείλετε ξανά.",
    },
}
