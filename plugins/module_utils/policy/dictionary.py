"""The dictionary of the password policy: common words, and those of a school.

Small letters without accents. Kept short on purpose: it names what is tried first, it is not a spelling dictionary.
"""

from __future__ import annotations

COMMON = frozenset(
    """
    mot de passe motdepasse motpasse mdp password passwd pass word admin administrateur administrator root user
    utilisateur login identifiant secret welcome bienvenue bonjour salut coucou bonsoir merci hello master superman
    batman dragon monkey letmein iloveyou jetaime amour mamour cherie doudou loulou chouchou princesse soleil lune
    etoile nuage ciel maison famille papa maman bebe chat chien cheval lapin tigre lion coeur football soccer foot
    rugby tennis velo moto voiture marseille paris lyon toulouse nice nantes strasbourg montpellier bordeaux lille
    rennes dijon nevers macon auxerre besancon nancy metz reims orleans tours poitiers limoges grenoble france
    bourgogne bretagne normandie corse alsace lorraine europe internet google facebook twitter instagram orange free
    microsoft windows linux apple iphone samsung android azerty qwerty qwertz azertyuiop test teste essai demo exemple
    example changeme changermoi change provisoire temporaire nouveau nouvelle ancien janvier fevrier mars avril mai
    juin juillet aout septembre octobre novembre decembre lundi mardi mercredi jeudi vendredi samedi dimanche
    printemps ete automne hiver noel paques vacances anniversaire
    january february march april june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday spring summer autumn winter christmas
    nicolas julien thomas camille marie sophie julie laura lea emma chloe manon lucas hugo louis pierre paul jean
    """.split()
)

ACADEMIC = frozenset(
    """
    academie academique rectorat recteur rectrice dsden inspection inspecteur inspectrice academia ecole ecoles
    maternelle elementaire primaire college lycee lycees colleges universite faculte cpge greta internat externat
    principal principale proviseur proviseure directeur directrice adjoint adjointe gestionnaire intendant intendance
    secretaire secretariat professeur professeure prof profs profdesecole enseignant enseignante enseignement
    instituteur institutrice maitre maitresse eleve eleves etudiant etudiante classe classes cours lecon devoir
    devoirs bulletin conseil rentree recreation cantine tableau craie cahier livre stylo cartable education nationale
    educationnationale educnat messagerie courriel webmail convergence roundcube numen pronote ent scolaire brevet
    baccalaureat bac cap bts agregation capes concours titulaire stagiaire vacataire remplacant documentaliste cdi cpe
    vie infirmiere infirmier francais maths mathematiques histoire geographie anglais allemand espagnol italien latin
    grec physique chimie svt techno technologie musique dessin arts plastiques eps sport sciences philo philosophie
    economie gestion informatique
    """.split()
)

ALL = COMMON | ACADEMIC
